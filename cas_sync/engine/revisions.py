"""A revision as text: the latest commit, one before it, one by its id, number or time.

Only commits in the head's history count: what lost a race lies in the store too and is
never found.
"""

import difflib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import NamedTuple

from cas_sync.engine.repository import Repository
from cas_sync.errors import UsageError
from cas_sync.formats import keys
from cas_sync.model.commit import Head, PageRef
from cas_sync.model.ids import DIGEST_BYTES, ObjectId
from cas_sync.store.bucket import Key

LATEST = "@"
MIN_DIGITS = 4
"""Fewer digits of an id name nothing."""

FORMS = "@ (the latest), @~2 (two before it), 3f9c1a2b (an id), #12 (a number), 2026-11-20"

_BACK = re.compile(r"@~(\d{0,9})")
_NUMBER = re.compile(r"#(\d{1,15})")
_ID = re.compile(rf"[0-9a-f]{{{MIN_DIGITS},{2 * DIGEST_BYTES}}}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_KEY = re.compile(rf"{re.escape(keys.COMMITS)}(\d{{16}})-([0-9a-f]{{64}})\.json")


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


def find_revision(repo: Repository, head: Head, text: str) -> Revision:
    """Return the commit that ``text`` means.

    Args:
        repo: The repository.
        head: Its head: only what is in its history is found.
        text: One of `FORMS`; a day means its end in UTC, a time without a zone is in UTC.

    Raises:
        UsageError: It means none of the commits, or several.
    """
    text = text.strip()
    if head.commit is None:
        raise UsageError(
            "there is no commit yet", fix="publish what is here first:  cas-sync sync"
        )
    if text == LATEST:
        return Revision(head.commit, head.seq, head.versions)
    if match := _BACK.fullmatch(text):
        return _numbered(repo, head, head.seq - int(match[1] or 1), text)
    if match := _NUMBER.fullmatch(text):
        return _numbered(repo, head, int(match[1]), text)
    if _DATE.match(text):
        return _at_time(repo, head, text)
    if _ID.fullmatch(text.lower()):
        return _with_id(repo, head, text.lower())
    raise UsageError(f"{text!r} is no revision", fix=f"use one of {FORMS}")


def _numbered(repo: Repository, head: Head, seq: int, text: str) -> Revision:
    if not 1 <= seq <= head.seq:
        raise UsageError(
            f"there is no commit {text}",
            cause=f"the history has {head.seq:,}: #1 to #{head.seq}",
            fix="see them:  cas-sync log --oneline",
        )
    back = head.seq - seq
    if back < len(head.recent):
        return _read(repo, head.recent[back], seq)
    oid, commit = next(islice(repo.commits.walk(head), back, None))
    return Revision(oid, commit.seq, commit.versions)


def _read(repo: Repository, oid: ObjectId, seq: int) -> Revision:
    return Revision(oid, seq, repo.commits.read(oid, seq).versions)


def _with_id(repo: Repository, head: Head, digits: str) -> Revision:
    recent = dict(zip(head.recent, range(head.seq, 0, -1), strict=False))
    is_whole_history = len(recent) == head.seq
    found = {oid: seq for oid, seq in recent.items() if oid.hex().startswith(digits)}
    if not is_whole_history and not (found and len(digits) == 2 * DIGEST_BYTES):
        # Keys tell the ids of older commits without reading each of them.
        found |= {
            oid: seq
            for oid, seq in _stored(repo)
            if oid.hex().startswith(digits) and repo.commits.holds(head, oid, seq)
        }
    if len(found) == 1:
        return _read(repo, *next(iter(found.items())))
    if found:
        named = ", ".join(
            f"{oid.hex()[: len(digits) + 4]} (#{seq})" for oid, seq in list(found.items())[:5]
        )
        raise UsageError(
            f"{digits} is the beginning of {len(found)} commits",
            cause=named,
            fix="give more digits",
        )
    known = {oid.hex()[: max(8, len(digits))] for oid in recent}
    near = difflib.get_close_matches(digits, sorted(known), 3)
    raise UsageError(
        f"there is no commit {digits}",
        cause=f"near it: {', '.join(near)}" if near else "",
        fix="see them:  cas-sync log --oneline",
    )


def _stored(repo: Repository) -> Iterator[tuple[ObjectId, int]]:
    """Yield every commit that was ever written, whether or not it came into the history."""
    for key, _ in repo.bucket.list_keys(Key(keys.COMMITS)):
        if match := _KEY.fullmatch(key):
            yield ObjectId.parse(match[2]), int(match[1])


def _at_time(repo: Repository, head: Head, text: str) -> Revision:
    """Return the latest commit that is not from after a time, by the authors' clocks."""
    try:
        until = datetime.fromisoformat(text)
        if _DATE.fullmatch(text):
            until += timedelta(days=1, microseconds=-1)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is no date", fix="write 2026-11-20 or 2026-11-20T14:00:00Z"
        ) from None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    first = ""
    for oid, commit in repo.commits.walk(head):
        if datetime.fromisoformat(commit.time) <= until:
            return Revision(oid, commit.seq, commit.versions)
        first = commit.time
    raise UsageError(
        f"there was no commit yet on {text}",
        cause=f"the first is of {first}",
        fix="see them:  cas-sync log --oneline",
    )
