import zlib

import pytest

from cas_sync.model.tree import Content, Entry, Found, Mode
from cas_sync.plan.guards import GuardLimits, Rewrites, looks_encrypted, suspect
from cas_sync.plan.survey import take
from cas_sync.plan.sync_plan import Rules, decide_all
from tests.support.samples import WHEN, noise, oid

RULES = Rules(ignores=lambda path: False, covers=lambda path: True, author="Ana")
NOISE = Rewrites(tuple(noise(str(i), 4096) for i in range(20)))


def survey(base, ours, theirs=None):
    def content(value):
        return Content(oid(value), len(value), Mode.FILE)

    def entries(tree):
        return [Entry(p, content(v), "Ben", WHEN) for p, v in sorted(tree.items())]

    found = [Found(p, content(v), 1) for p, v in sorted(ours.items())]
    there = entries(base if theirs is None else theirs)
    return take(decide_all(entries(base), found, there, RULES))


def files(n, mark=""):
    return {f"{i:03d}": f"{i}{mark}" for i in range(n)}


def code(*args, rewrites=Rewrites(), limits=GuardLimits()):  # noqa: B008 - both are frozen
    why = suspect(survey(*args), rewrites, limits)
    return why and why.code


def test_an_empty_folder_is_not_believed():
    assert code(files(3), {}) == "E205"


def test_more_than_half_is_not_believed_and_half_is():
    assert code(files(30), files(14)) == "E206"
    assert code(files(30), files(15)) is None


def test_fewer_than_ten_are_believed():
    assert code(files(12), files(3)) is None


def test_teammates_are_not_believed_either():
    assert code(files(30), files(30), files(10)) == "E206"


@pytest.mark.parametrize("left", [0, 5])
def test_files_that_are_gone_here_can_be_brought_back(left):
    why = suspect(survey(files(30), files(left)), Rewrites(), GuardLimits())

    assert why.fix.startswith("bring them back:  cas-sync restore .")
    assert why.fix.endswith("cas-sync sync --allow-mass-delete")


def test_what_a_teammate_deleted_is_not_brought_back_by_a_restore():
    why = suspect(survey(files(30), files(30), files(10)), Rewrites(), GuardLimits())

    assert "restore" not in why.fix


def test_a_moved_folder_is_no_deletion():
    moved = {f"new/{path}": value for path, value in files(30).items()}

    assert code(files(30), moved) is None
    assert code(files(30), files(30), moved) is None


def test_the_limits_can_be_set():
    assert code(files(30), files(25), limits=GuardLimits(0.1, 2)) == "E206"


def test_a_rewrite_into_noise_is_not_believed():
    assert code(files(30), files(30, "!"), rewrites=NOISE) == "E211"


def test_noise_under_new_names_is_not_believed():
    locked = {f"{path}.locked": "!" + value for path, value in files(12).items()}

    assert (
        code(files(30), {**dict(list(files(30).items())[12:]), **locked}, rewrites=NOISE)
        is None
    )
    all_locked = {f"{path}.locked": "!" + value for path, value in files(30).items()}
    assert code(files(30), all_locked, rewrites=NOISE) in {"E206", "E211"}


def test_many_files_without_bytes_stop():
    some = files(30)
    emptied = dict.fromkeys(some, "")
    kept = dict(list(some.items())[15:])

    assert code(some, emptied) == "E219"
    assert code(some, {**emptied, **kept}) is None
    assert code(some, {**dict(list(emptied.items())[:14]), **kept}) is None
    assert code(some, {**dict(list(emptied.items())[8:]), **kept}) is None
    assert code(emptied, some) is None
    assert code({}, emptied) is None
    blank = Rewrites((b"\0" * 4096,) * 20)
    assert code(some, files(30, "!"), rewrites=blank) == "E219"
    assert code(some, files(30, "!"), rewrites=Rewrites((b"\0" * 20 + b"x",) * 20)) is None


def test_files_that_are_emptied_and_files_that_are_gone_count_together():
    some = files(30)
    left = dict.fromkeys(list(some)[:8], "") | dict(list(some.items())[16:])

    why = suspect(survey(some, left), Rewrites(), GuardLimits())

    assert why.code == "E219"
    assert why.message == "8 of 30 files would be emptied for everyone, and 8 deleted"


def test_a_first_publication_of_noise_is_believed():
    assert code({}, files(30), rewrites=NOISE) is None


def test_a_rewrite_into_text_is_believed():
    plain = Rewrites(tuple(b"some text, some more " * 200 for _ in range(20)))

    assert code(files(30), files(30, "!"), rewrites=plain) is None


@pytest.mark.parametrize(
    "sample",
    [b"", b"short", b"text " * 1000, bytes(4096), b"PK\x03\x04" + noise("zip", 4000),
     zlib.compress(b"", 9) * 100, b"PAR1" + noise("p", 4000), b"\x89PNG" + noise("i", 4000)],
)  # fmt: skip
def test_known_formats_and_plain_data_do_not_look_encrypted(sample):
    assert not looks_encrypted(sample)


def test_random_bytes_do():
    assert all(looks_encrypted(noise(str(i), 4096)) for i in range(200))
