"""A revision as text: what it means, and what is said where it means nothing."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from cas_sync.engine.revisions import find_revision
from cas_sync.errors import UsageError
from cas_sync.model.commit import RECENT
from cas_sync.store.cache import Cache
from cas_sync.store.history import CommitLog
from cas_sync.store.memory import MemoryBucket
from tests.support import samples

LENGTH = RECENT + 20


class History:
    """A chain of commits, one a day from 2026-01-01 10:00 on, and a reader of it."""

    def __init__(self, root, pool, length=LENGTH):
        self.bucket = MemoryBucket()
        log = CommitLog(self.bucket, Cache(root / "writer"), pool)
        self.ids = []
        for seq in range(1, length + 1):
            commit = samples.COMMIT._replace(
                seq=seq,
                parent=self.ids[-1] if self.ids else None,
                time=f"2026-{1 + (seq - 1) // 28:02d}-{1 + (seq - 1) % 28:02d}T10:00:00Z",
                message=f"number {seq}",
            )
            self.ids.append(log.write(commit))
        recent = tuple(self.ids[::-1][:RECENT])
        self.head = samples.HEAD._replace(seq=length, commit=recent[0], recent=recent)
        self.log = log
        commits = CommitLog(self.bucket, Cache(root / "reader"), pool)
        self.repo = SimpleNamespace(bucket=self.bucket, commits=commits)

    def find(self, text):
        return find_revision(self.repo, self.head, text)


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    with ThreadPoolExecutor(4) as pool:
        yield History(tmp_path_factory.mktemp("history"), pool)


@pytest.mark.parametrize(
    ("text", "seq"),
    [
        ("@", LENGTH),
        (" @ ", LENGTH),
        ("@~0", LENGTH),
        ("@~", LENGTH - 1),
        ("@~1", LENGTH - 1),
        (f"@~{RECENT - 1}", LENGTH - RECENT + 1),
        (f"@~{RECENT}", LENGTH - RECENT),
        (f"@~{LENGTH - 1}", 1),
        ("#1", 1),
        (f"#{LENGTH}", LENGTH),
        ("2026-01-02", 2),
        ("2026-01-02T09:59:59Z", 1),
        ("2026-01-02T10:00:00Z", 2),
        ("2026-01-02T10:00:00", 2),
        ("2026-01-02T10:00:00+02:00", 1),
        ("2026-01-28", 28),
        ("2026-01-31", 28),
        ("2030-01-01", LENGTH),
    ],
)
def test_a_revision_is_one_commit(history, text, seq):
    found = history.find(text)

    assert (found.seq, found.id) == (seq, history.ids[seq - 1])
    assert found.versions == (
        history.head.versions if text.strip() == "@" else samples.COMMIT.versions
    )


@pytest.mark.parametrize("seq", [1, 3, LENGTH - RECENT, LENGTH - 5, LENGTH])
@pytest.mark.parametrize("digits", [8, 64])
def test_a_commit_is_found_by_the_beginning_of_its_id(history, seq, digits):
    text = history.ids[seq - 1].hex()[:digits]

    assert history.find(text).seq == seq
    assert history.find(text.upper()).seq == seq


def test_an_id_that_lost_its_race_is_not_in_the_history(history):
    lost = history.log.write(samples.COMMIT._replace(seq=3, message="lost"))

    with pytest.raises(UsageError, match="there is no commit"):
        history.find(lost.hex())


def test_several_commits_of_the_same_digits_are_named(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        history = History(tmp_path, pool, 600)  # so many that four digits are shared by two
        by_digits = {}
        for oid in history.ids:
            by_digits.setdefault(oid.hex()[:4], []).append(oid)
        digits, twins = next(each for each in by_digits.items() if len(each[1]) > 1)

        with pytest.raises(UsageError, match=f"{digits} is the beginning of") as caught:
            history.find(digits)

        assert all(oid.hex()[:8] in caught.value.cause for oid in twins)
        assert history.find(twins[0].hex()[:12]).id == twins[0]


def test_an_id_near_a_known_one_is_suggested(history):
    digits = history.ids[-1].hex()[:8]
    wrong = digits[:6] + ("00" if digits[6:] != "00" else "11")

    with pytest.raises(UsageError) as caught:
        history.find(wrong)

    assert digits in caught.value.cause


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"@~{LENGTH}", "there is no commit"),
        ("#0", "there is no commit"),
        (f"#{LENGTH + 1}", "there is no commit"),
        ("2025-12-31", "no commit yet"),
        ("2026-02-30", "is no date"),
        ("2026-01-02x", "is no date"),
        ("abc", "is no revision"),
        ("", "is no revision"),
        ("latest", "is no revision"),
        ("@~x", "is no revision"),
    ],
)
def test_what_means_no_commit_is_refused_with_a_way_on(history, text, words):
    with pytest.raises(UsageError, match=words) as caught:
        history.find(text)

    assert caught.value.fix


def test_before_the_first_commit_there_is_none(history):
    empty = samples.HEAD._replace(seq=0, commit=None, recent=())

    with pytest.raises(UsageError, match="no commit yet"):
        find_revision(history.repo, empty, "@")


def test_the_latest_commits_are_found_without_a_listing(history):
    before = history.bucket.meter.requests["GET"]

    history.find("@")
    history.find(history.ids[-2].hex())

    assert history.bucket.meter.requests["GET"] <= before + 1  # the commit, or nothing
