"""A revision as text: the latest commit, one before it, one by its id, number, tag or time.

Only commits in the head's history count: what lost a race lies in the store too and is
never found. What a text means is told by its form alone, because no tag may be called
what could be an id, a number or a time (formats/tag.py).
"""

import contextlib
import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from shlex import quote
from typing import NamedTuple

from cas_sync.engine.repository import Repository
from cas_sync.errors import AccessError, DamageError, RaceLostError, UsageError
from cas_sync.formats import moments
from cas_sync.formats.tag import folded, normal
from cas_sync.model.commit import Commit, Head, PageRef
from cas_sync.model.ids import DIGEST_BYTES, ObjectId
from cas_sync.plan.near import near_it, near_names
from cas_sync.store.head import read_head

LATEST = "@"
MIN_DIGITS = 4
"""Fewer digits of an id name nothing."""

FORMS = (
    "@ (the latest), @~2 (two before it), 3f9c1a2b (an id), '#12' (a number), v1 (a tag), "
    "2026-11-20, yesterday, '3 days ago', 2w"
)

_BACK = re.compile(r"(.*?)((?:~[0-9]*)+)", re.DOTALL)
_NUMBER = re.compile(r"#([0-9]+)")
_ID = re.compile(rf"[0-9a-f]{{{MIN_DIGITS},}}")
_DAYS = re.compile(r"[0-9]{1,4}d")
"""Of what an id and a time share, so much is a time: 27 years. The rest is an id."""

_FEW_DIGITS = re.compile(r"[0-9a-f]+")
_TIME_AND_PATH = re.compile(
    r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?(?:~\d*)*):(.*)",
    re.ASCII | re.IGNORECASE | re.DOTALL,
)
_SEE = "see them:  cas-sync log --oneline"
_SEE_TAGS = "see the tags:  cas-sync tag"
_LONGEST = 256
"""Nothing that means a commit is longer, in characters."""

_SHOWN = 60
_NEAR_IDS = 1000
"""So many commits are looked through for ids near an unknown one."""


class Revision(NamedTuple):
    """A commit that was asked for.

    Attributes:
        id: Its id.
        seq: Its number.
        versions: Root of its tree; `None` where that is empty.
    """

    id: ObjectId
    seq: int
    versions: PageRef | None

    def __str__(self) -> str:
        """Return what people are shown: the first digits of the id."""
        return self.id.hex()[:8]


def find_revision(repo: Repository, head: Head, text: str, now: datetime) -> Revision:
    """Return the commit that ``text`` means.

    Requests: none but for the commit itself where it is one of the latest 64 (`RECENT`) by
    `@`, number or id; a listing for what is older, and a walk only where a race left two
    commits of one number; a listing and each tag not seen before, for a tag; a walk for a
    time.

    Args:
        repo: The repository.
        head: Its head: only what is in its history is found.
        text: One of `FORMS`, and ``~N`` after any of them for N commits before it. A day
            means its end in UTC, a time without a zone is in UTC.
        now: The present, for times that are told from it.

    Raises:
        UsageError: It means none of the commits, or several.
        DamageError: What it means cannot be read.
        RaceLostError: It is a tag that somebody gives to a newer commit at this moment.
    """
    if head.commit is None:
        raise UsageError(
            "there is no commit yet", fix="publish what is here first:  cas-sync sync"
        )
    text = text.strip()
    if len(text) > _LONGEST:
        raise _unknown(text, [])
    match = _BACK.fullmatch(text)
    if match is None:
        return _find(repo, head, text, now)
    found = _find(repo, head, match[1].rstrip(), now)
    back = sum(int(each or 1) for each in match[2][1:].split("~"))
    if not back:
        return found
    return _numbered(repo, head, found.seq - back, text, found)


def commit_at(repo: Repository, revision: Revision) -> Commit:
    """Return the commit of a revision.

    Raises:
        DamageError: It is missing or not what its name says.
    """
    return repo.commits.read(revision.id, revision.seq)


def head_at(head: Head, revision: Revision) -> Head:
    """Return the head as if ``revision`` were the latest commit, to walk back from there.

    Its index stays that of today, which knows where all contents lie.
    """
    return head._replace(
        seq=revision.seq,
        commit=revision.id,
        versions=revision.versions,
        recent=head.recent[head.seq - revision.seq :],
    )


def split_named(text: str) -> tuple[str, str]:
    """Return revision and path of ``REV:PATH``; a path alone is that of the latest.

    A path that holds a colon is told by a colon before it, ``:odd:name``, or by a slash
    before the colon: no revision has one.
    """
    if match := _TIME_AND_PATH.fullmatch(text):
        return match[1], match[2]
    rev, colon, path = text.partition(":")
    if not colon or "/" in rev or "\\" in rev:
        return LATEST, text
    return (rev, path) if rev.strip() else (LATEST, path)


def _find(repo: Repository, head: Head, text: str, now: datetime) -> Revision:
    """Return the commit that a text without ``~`` means."""
    if text == LATEST and head.commit is not None:
        return Revision(head.commit, head.seq, head.versions)
    if match := _NUMBER.fullmatch(text):
        return _numbered(repo, head, int(match[1]), text)
    digits = text.lower()
    if _ID.fullmatch(digits) and not _DAYS.fullmatch(digits):
        return _with_id(repo, head, digits)
    if moments.looks_like_moment(text):
        return _at_time(repo, head, text, now)
    return _tagged(repo, head, text)


def _numbered(
    repo: Repository, head: Head, seq: int, text: str, start: Revision | None = None
) -> Revision:
    """Return the commit of a number; ``start`` is one at or after it, to walk back from."""
    if not 1 <= seq <= head.seq:
        raise UsageError(
            f"there is no commit {_short(text)}",
            cause=f"the history has {head.seq:,}: #1 to #{head.seq}"
            if head.seq > 1
            else "the history has one: #1",
            fix=_SEE,
        )
    back = head.seq - seq
    if back < len(head.recent):
        return _read(repo, head.recent[back], seq)
    alone = _alone(repo, seq)
    if alone is not None:
        return _read(repo, alone, seq)
    if start is not None and head.seq - start.seq >= len(head.recent):
        # The parents from there on: as good a proof as those from the head, and shorter.
        head = head_at(head, start)
        back = head.seq - seq
    oid, commit = next(islice(repo.commits.walk(head), back, None))
    return Revision(oid, commit.seq, commit.versions)


def _alone(repo: Repository, seq: int) -> ObjectId | None:
    """Return the only commit that was ever written under a number; `None` if there are more.

    Every number up to the head's has one in the history, so no walk has to prove it.
    """
    with contextlib.suppress(AccessError):
        found = [oid for oid, _ in repo.commits.listed(f"{seq:016d}")]
        if len(found) == 1:
            return found[0]
    return None


def _read(repo: Repository, oid: ObjectId, seq: int) -> Revision:
    return Revision(oid, seq, repo.commits.read(oid, seq).versions)


def _with_id(repo: Repository, head: Head, digits: str) -> Revision:
    recent = dict(zip(head.recent, range(head.seq, 0, -1), strict=False))
    is_whole_history = len(recent) == head.seq
    found = {oid: seq for oid, seq in recent.items() if oid.hex().startswith(digits)}
    stored: dict[ObjectId, int] = {}
    if not is_whole_history and not (found and len(digits) == 2 * DIGEST_BYTES):
        # Keys tell the ids of older commits without reading each of them.
        stored = dict(repo.commits.listed())
        rivals = Counter(stored.values())
        found |= {
            oid: seq
            for oid, seq in stored.items()
            if oid.hex().startswith(digits)
            and seq <= head.seq
            and (rivals[seq] == 1 or repo.commits.holds(head, oid, seq))
        }
    if len(found) == 1:
        return _read(repo, *next(iter(found.items())))
    if found:
        named = [f"{oid.hex()[: len(digits) + 4]} (#{seq})" for oid, seq in found.items()]
        raise UsageError(
            f"{digits} is the beginning of {len(found)} commits",
            cause=", ".join(named[:5]) + (", ..." if len(named) > 5 else ""),
            fix="give more digits",
        )
    known = recent | dict(islice(stored.items(), _NEAR_IDS))
    ids = {oid.hex()[: max(8, min(len(digits), 16))] for oid in known}
    raise UsageError(
        f"there is no commit {_short(digits)}",
        cause=near_tags(digits, [*sorted(ids), *repo.tags.read_all().tags]),
        fix=f"{_SEE}\n{_SEE_TAGS}",
    )


def _tagged(repo: Repository, head: Head, text: str) -> Revision:
    name = normal(text)
    read = repo.tags.read_all()
    if name in read.damaged:
        raise damaged_tag(name, read.damaged[name])
    tag = read.tags.get(name)
    if tag is None or tag.commit is None:
        raise _unknown(text, list(read.tags))
    if not may_hold(head, tag.commit, tag.seq):
        now = read_head(repo.bucket)
        if now is not None and tag.seq > head.seq and may_hold(now.head, tag.commit, tag.seq):
            raise RaceLostError(
                f"tag {name!r} is of a commit that was published at this moment",
                fix="run the same command again",
                state="nothing was changed",
            )
        raise lost_tag(name, tag.commit, tag.seq)
    try:
        # It was in the history when it was tagged, and histories only grow: no walk.
        return _read(repo, tag.commit, tag.seq)
    except DamageError as error:
        raise lost_tag(name, tag.commit, tag.seq) from error


def may_hold(head: Head, commit: ObjectId, seq: int) -> bool:
    """Say whether a head's history can hold a commit, by what the head itself tells."""
    back = head.seq - seq
    if back < 0:
        return False
    return back >= len(head.recent) or head.recent[back] == commit


def lost_tag(name: str, commit: ObjectId, seq: int) -> DamageError:
    """Return the error of a tag whose commit is not in the history any more."""
    return DamageError(
        f"tag {name!r} is of commit {commit.hex()[:8]} (#{seq}), which the store does not have",
        cause="it was removed there, or an old copy of the store was restored",
        fix=f"give the name to another one:  cas-sync tag {quote(name)} REV --move\n"
        f"or take it back:  cas-sync tag {quote(name)} --delete",
    )


def damaged_tag(name: str, error: DamageError) -> DamageError:
    """Return the error of a tag that cannot be read, with the way on."""
    return DamageError(
        f"tag {name!r} cannot be read",
        cause=error.message,
        fix=f"say again what it names:  cas-sync tag {quote(name)} REV --move\n"
        f"or take it back:  cas-sync tag {quote(name)} --delete",
    )


def _unknown(text: str, names: list[str]) -> UsageError:
    cause, fix = near_tags(text, names), f"use one of {FORMS}\n{_SEE_TAGS}"
    if _FEW_DIGITS.fullmatch(text.lower()):
        cause = cause or f"of an id at least {MIN_DIGITS} digits are needed"
        if text.isdecimal():
            fix = f"the commit of that number:  '#{text}'\n{_SEE}"
    elif text.lower() in {"latest", "head", "main", "master"}:
        cause = cause or "the latest commit is @"
    return UsageError(f"there is no revision {_short(text)}", cause=cause, fix=fix)


def near_tags(name: str, names: Iterable[str]) -> str:
    """Return the names that are near an unknown one, as words; empty where none is."""
    return near_it(near_names(name, names, folded))


def _at_time(repo: Repository, head: Head, text: str, now: datetime) -> Revision:
    """Return the latest commit that is not from after a time, by the authors' clocks."""
    until = moments.parse_moment(text, now, is_end=True)
    if until is None:
        raise UsageError(f"{_short(text)} is no date", fix=f"write {moments.FORMS}")
    first = ""
    for oid, commit in repo.commits.walk(head):
        made = moments.read_time(commit.time)
        if made is not None and made <= until:
            return Revision(oid, commit.seq, commit.versions)
        first = commit.time
    raise UsageError(
        f"there was no commit yet then ({_short(text)})",
        cause=f"the first is of {first}",
        fix=_SEE,
    )


def _short(text: str) -> str:
    """Return a text as it was given, for an error, with nothing hidden in it."""
    quoted = text if text.isprintable() and text and " " not in text else repr(text)
    return quoted if len(quoted) <= _SHOWN else quoted[:_SHOWN] + "..."
