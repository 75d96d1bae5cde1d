import pytest

from cas_sync import errors
from cas_sync.cli.exit_codes import MEANINGS, exit_code


def kinds(root=errors.CasSyncError):
    for kind in root.__subclasses__():
        yield kind
        yield from kinds(kind)


@pytest.mark.parametrize("kind", sorted(set(kinds()), key=lambda kind: kind.__name__))
def test_every_error_has_a_promised_code_that_is_not_a_bug(kind):
    code = exit_code(kind("x"))

    assert code in MEANINGS
    assert code not in {0, 1}


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.UsageError, 2),
        (errors.AccessError, 4),
        (errors.ConfigError, 5),
        (errors.UnsafeStoreError, 5),
        (errors.UnavailableError, 6),
        (errors.OutcomeUnknownError, 6),
        (errors.RaceLostError, 7),
        (errors.BusyError, 7),
        (errors.GuardError, 8),
        (errors.RepositoryResetError, 8),
        (errors.DamageError, 9),
        (errors.FormatError, 9),
    ],
)
def test_the_table_is_as_promised(kind, code):
    assert exit_code(kind("x")) == code
