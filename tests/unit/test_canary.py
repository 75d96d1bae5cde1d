"""The search for secrets finds what it is to find."""

import pytest

from tests.support.canary import MEANT, PASSWORD, SECRETS, leaks, secret_in
from tests.support.people import Result, no_secrets_in


@pytest.mark.parametrize("secret", [each.decode() for each in SECRETS])
def test_a_secret_in_any_file_is_found(tmp_path_factory, secret):
    place = tmp_path_factory.mktemp("canary")
    path = place / ".S3" / "logs" / "today.txt"
    path.parent.mkdir(parents=True)
    path.write_text(f"PUT /x\nkey {secret}123\n")
    assert list(leaks(place)) == [(path, secret)]
    path.unlink()
    assert list(leaks(place)) == []


@pytest.mark.parametrize("name", sorted(MEANT))
def test_no_name_excuses_a_secret_in_a_store(tmp_path_factory, name):
    place = tmp_path_factory.mktemp("canary")
    kept, stored = place / "project" / name, place / "store" / ".S3" / name
    for path in (kept, stored):
        path.parent.mkdir(parents=True)
        path.write_text(PASSWORD)
    assert list(leaks(place)) == [(stored, PASSWORD)]
    stored.unlink()


@pytest.mark.parametrize("where", ["stdout", "stderr"])
def test_a_secret_that_is_printed_fails_the_test_that_made_it(where):
    said = {"stdout": "", "stderr": "", where: f"at http://ana:{PASSWORD}@host"}
    with pytest.raises(AssertionError, match="printed"):
        no_secrets_in(Result(("sync",), 0, **said))
    assert secret_in(b"nothing of that kind") == ""
