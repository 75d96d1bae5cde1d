"""A revision as text: what it means, and what is said where it means nothing."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas_sync.engine.revisions import commit_at, find_revision, split_named
from cas_sync.errors import DamageError, UsageError
from cas_sync.formats import keys
from cas_sync.formats.tag import Tag
from cas_sync.model.commit import RECENT
from cas_sync.store.cache import Cache
from cas_sync.store.history import CommitLog
from cas_sync.store.memory import MemoryBucket
from cas_sync.store.tags import TagStore
from tests.support import samples

LENGTH = RECENT + 20
NOW = datetime(2026, 1, 20, 12, tzinfo=UTC)


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
        cache = Cache(root / "reader")
        commits = CommitLog(self.bucket, cache, pool)
        tags = TagStore(self.bucket, cache, pool, samples.REPO)
        self.repo = SimpleNamespace(bucket=self.bucket, commits=commits, tags=tags)
        self.tag("first", 1)
        self.tag("v1", 3)
        self.tag("Größe 1", 70)
        self.tag("gone", 5)
        self.repo.tags.write(samples.TAG._replace(name="gone", commit=None), 2)

    def tag(self, name, seq):
        self.repo.tags.write(Tag(name, self.ids[seq - 1], seq, "Ana", samples.WHEN, ""), 1)

    def find(self, text):
        return find_revision(self.repo, self.head, text, NOW)


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
        ("9999-12-31", LENGTH),
        ("9999-12-31T23:59:59-23:59", LENGTH),
        ("2026-01-02t10:00z", 2),
        ("2026-01-02 10:00", 2),
        ("yesterday", 19),
        ("Yesterday", 19),
        ("3 days ago", 17),
        ("3  DAYS", 17),
        ("1w", 13),
        ("1h", 20),
        ("5h", 19),
        ("30 min ago", 20),
        ("v1", 3),
        (" v1 ", 3),
        ("first", 1),
        ("Größe 1", 70),
        ("Gro\u0308ße 1", 70),
        ("v1~", 2),
        ("v1~2", 1),
        ("v1~0", 3),
        ("v1 ~1", 2),
        ("v1~1~1", 1),
        ("v1~~", 1),
        ("@~1~1", LENGTH - 2),
        ("@~~", LENGTH - 2),
        ("@~000002", LENGTH - 2),
        ("#0012", 12),
        ("#12~3", 9),
        (f"#{LENGTH}~{LENGTH - 1}", 1),
        ("yesterday~1", 18),
        ("2026-01-10~9", 1),
        ("2026-01-02T10:00:00Z~1", 1),
        ("Größe 1~60", 10),
    ],
)
def test_a_revision_is_one_commit(history, text, seq):
    found = history.find(text)

    assert (found.seq, found.id) == (seq, history.ids[seq - 1])
    assert found.versions == (
        history.head.versions if text.strip() in {"@", "@~0"} else samples.COMMIT.versions
    )
    assert commit_at(history.repo, found).message == f"number {seq}"


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


def test_an_id_that_reads_like_many_days_is_an_id(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        history = History(tmp_path, pool, 600)  # so many that one begins 12345d
        match = next(filter(None, (re.match("[0-9]{5,}d", oid.hex()) for oid in history.ids)))

        assert history.find(match[0]).id.hex().startswith(match[0])
        assert history.find(match[0].upper()).id.hex().startswith(match[0])
        with pytest.raises(UsageError, match="there was no commit yet then"):
            history.find("9999d")


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
        ("@~" + "9" * 200, "there is no commit @~9"),
        ("#0", "there is no commit"),
        ("#000", "there is no commit"),
        (f"#{LENGTH + 1}", "there is no commit"),
        ("#" + "9" * 200, "there is no commit #9"),
        ("v1~3", "there is no commit v1~3"),
        ("#1~1", "there is no commit #1~1"),
        ("2025-12-31", "no commit yet"),
        ("0001-01-01", "no commit yet"),
        ("99999999999 weeks ago", "no commit yet"),
        ("2026-01-01~1", "there is no commit"),
        ("2026-02-30", "is no date"),
        ("2026-01", "is no date"),
        ("2026-01-02T10", "is no date"),
        ("0000-01-01", "is no date"),
        ("last week", "is no date"),
        ("3 moons ago", "is no date"),
        ("tomorrow", "is no date"),
        ("2026-01-02x", "there is no revision"),
        ("abc", "there is no revision abc"),
        ("12", "there is no revision 12"),
        ("", "there is no revision ''"),
        ("~2", "there is no revision ''"),
        ("latest", "there is no revision"),
        ("@~x", "there is no revision @~x"),
        ("@{1}", "there is no revision"),
        ("@ ~ 1", "there is no revision"),
        ("#", "there is no revision"),
        ("#-1", "there is no revision"),
        ("#\u0661", "there is no revision"),
        ("V1", "there is no revision V1"),
        ("gone", "there is no revision gone"),
        ("dead" * 17, "there is no commit dead"),
        ("x" * 100_000, "there is no revision x"),
        ("~" * 100_000, "there is no revision ~"),
    ],
)
def test_what_means_no_commit_is_refused_with_a_way_on(history, text, words):
    with pytest.raises(UsageError) as caught:
        history.find(text)

    assert words in caught.value.message
    assert caught.value.fix
    assert len(caught.value.message) < 150


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("V1", "near it: v1"),
        ("v2", "near it: v1"),
        ("firts", "near it: first"),
        ("grösse 1", "near it: Größe 1"),
        ("abc", "at least 4 digits"),
        ("HEAD", "the latest commit is @"),
    ],
)
def test_what_is_near_an_unknown_name_is_told(history, text, words):
    with pytest.raises(UsageError) as caught:
        history.find(text)

    assert words in caught.value.cause


def test_a_number_alone_is_told_how_to_write_it(history):
    with pytest.raises(UsageError) as caught:
        history.find("12")

    assert "'#12'" in caught.value.fix


PIECES = st.sampled_from(
    ["@", "~", "#", "1", "9" * 30, "v1", "ago", " ", "3 days", "2026-01-02", "T10:00", "Z",
     "+", ":", "-", "dead", "beef", "\0", "\ud800", "é", "İ", "\u017f", "=", "/"]
)  # fmt: skip


@given(st.one_of(st.text(), st.lists(PIECES, max_size=8).map("".join)))
def test_no_text_does_more_than_mean_a_commit_or_none(history, text):
    said = None
    try:
        found = history.find(text)
    except UsageError as error:
        said = error

    if said is None:
        assert history.ids[found.seq - 1] == found.id
    else:
        assert said.fix
        assert said.message.isprintable()


@given(st.sampled_from(["@", "v1", "Größe 1", "#80", "yesterday"]), st.integers(0, 200))
def test_counting_back_is_counting_numbers(history, text, back):
    start = history.find(text).seq

    if back < start:
        assert history.find(f"{text}~{back}").seq == start - back
    else:
        with pytest.raises(UsageError, match="there is no commit"):
            history.find(f"{text}~{back}")


@given(st.text(), st.text())
def test_a_split_loses_nothing(rev, path):
    found = split_named(f"{rev}:{path}")

    assert found[1].endswith(path)
    assert f"{rev}:{path}".endswith(found[1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a/b.csv", ("@", "a/b.csv")),
        ("", ("@", "")),
        ("v1:a/b.csv", ("v1", "a/b.csv")),
        ("@~2:a:b", ("@~2", "a:b")),
        ("#12:", ("#12", "")),
        (":odd:name", ("@", "odd:name")),
        (" :x", ("@", "x")),
        ("notes/10:30.txt", ("@", "notes/10:30.txt")),
        ("2026-11-20:a", ("2026-11-20", "a")),
        ("2026-11-20T14:00:a", ("2026-11-20T14:00", "a")),
        ("2026-11-20T14:00:59:a", ("2026-11-20T14:00:59", "a")),
        ("2026-11-20T14:00:00Z:a:b", ("2026-11-20T14:00:00Z", "a:b")),
        ("2026-11-20T14:00:00.5+01:00:a", ("2026-11-20T14:00:00.5+01:00", "a")),
        ("2026-11-20 14:00z~2:a\nb", ("2026-11-20 14:00z~2", "a\nb")),
        ("3 days ago:a", ("3 days ago", "a")),
    ],
)
def test_a_named_path_is_a_revision_and_a_path(text, expected):
    assert split_named(text) == expected


def test_a_tag_of_a_commit_that_is_not_in_the_history_is_told_so(history):
    lost = history.log.write(samples.COMMIT._replace(seq=LENGTH, message="never won"))
    tag = samples.TAG._replace(name="lost", commit=lost, seq=LENGTH)
    history.repo.tags.write(tag, 1)
    history.repo.tags.write(tag._replace(name="removed", commit=samples.oid("x"), seq=2), 1)

    for name in ("lost", "removed"):
        with pytest.raises(DamageError, match=f"tag '{name}'") as caught:
            history.find(name)

        assert f"cas-sync tag {name} --delete" in caught.value.fix


def test_a_damaged_tag_is_named_and_the_others_are_found(history):
    history.bucket.put_new(keys.tag(samples.REPO, "bad", 1), b"{}")

    with pytest.raises(DamageError, match="tag 'bad'"):
        history.find("bad")

    assert history.find("v1").seq == 3


def test_before_the_first_commit_there_is_none(history):
    empty = samples.HEAD._replace(seq=0, commit=None, recent=())

    with pytest.raises(UsageError, match="no commit yet"):
        find_revision(history.repo, empty, "@", NOW)


def test_the_latest_commits_are_found_without_a_listing(history):
    before = history.bucket.meter.requests["GET"]

    history.find("@")
    history.find("@~1")
    history.find(f"#{LENGTH - 1}")
    history.find(history.ids[-2].hex())

    assert history.bucket.meter.requests["GET"] <= before + 1  # the commit, or nothing


def test_a_tag_of_an_old_commit_is_found_without_a_walk(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        history = History(tmp_path, pool)
        before = history.bucket.meter.requests["GET"]

        assert history.find("v1").seq == 3

        # A listing, the four tags, and the commit.
        assert history.bucket.meter.requests["GET"] <= before + 6


def test_counting_back_from_an_old_tag_walks_from_there(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        history = History(tmp_path, pool)
        before = history.bucket.meter.requests["GET"]

        assert history.find("v1~1").seq == 2

        # As above, and at most the two commits before it and a listing to find them.
        assert history.bucket.meter.requests["GET"] <= before + 9
