"""The names of commits: listed, set, moved, taken back. docs/design.md, section 5.8.

A tag is written, then the head is read again. So a reset, which closes the head before it
removes anything, and a collection, which moves it before it reads the tags, either see
the tag or are seen.
"""

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from shlex import quote

from cas_sync.engine.at_revision import History, open_history
from cas_sync.engine.repository import Connection, Repository, refuse_reset
from cas_sync.engine.revisions import (
    LATEST,
    commit_at,
    damaged_tag,
    lost_tag,
    may_hold,
    near_tags,
)
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings, find_author
from cas_sync.errors import CasSyncError, RaceLostError, UsageError
from cas_sync.formats.rows import tidy
from cas_sync.formats.tag import Tag, folded, normal, why_not_a_name
from cas_sync.model.commit import Commit
from cas_sync.model.ids import ObjectId
from cas_sync.model.tree import timestamp
from cas_sync.store.tags import TagsRead, Taken

MESSAGE = 2000
"""The longest message, in characters."""


class Change(StrEnum):
    """What became of a tag."""

    NEW = "new"
    MOVED = "moved"
    SAME = "same"
    REMOVED = "removed"


@dataclass(frozen=True)
class TagList:
    """The tags of a repository.

    Attributes:
        tags: Those that can be read, the newest commit's first.
        troubles: What is wrong, by name: a tag that cannot be read, or whose commit is not
            in the history any more.
        requests: Requests sent, by method.
    """

    tags: tuple[Tag, ...]
    troubles: dict[str, CasSyncError]
    requests: dict[str, int]


@dataclass(frozen=True)
class TagDone:
    """A tag that was set, moved or taken back.

    Attributes:
        tag: As it is now; as it was, where it was taken back.
        change: What became of it.
        before: What it stood for; `None` where it is new, or could not be read.
        commit: Its commit; `None` where it was taken back.
        requests: Requests sent, by method.
    """

    tag: Tag
    change: Change
    before: Tag | None
    commit: Commit | None
    requests: dict[str, int]


def names_by_commit(repo: Repository) -> dict[ObjectId, tuple[str, ...]]:
    """Return the tags of each commit that has some, sorted.

    One listing, and a request for each tag not seen before. Damaged tags are left out: the
    history is told all the same, and `list_tags` names them.
    """
    found: dict[ObjectId, list[str]] = defaultdict(list)
    for name, tag in sorted(repo.tags.read_all().tags.items()):
        if tag.commit is not None:
            found[tag.commit].append(name)
    return {commit: tuple(names) for commit, names in found.items()}


def list_tags(settings: Settings, surroundings: Surroundings) -> TagList:
    """Return all tags; there are none where nothing was published yet.

    Raises:
        RepositoryResetError: The repository is being reset.
    """
    with Connection(settings, surroundings) as connection:
        found = connection.read_head()
        refuse_reset(found, None, settings.address.url)
        if found is None:
            return TagList((), {}, connection.traffic().requests)
        head = found.head
        read = connection.repository(head.repo_id).tags.read_all()
        troubles: dict[str, CasSyncError] = {
            name: damaged_tag(name, error) for name, error in read.damaged.items()
        }
        if any(tag.seq > head.seq for tag in read.tags.values()):
            # Published, and tagged, after the head was read? Then it is there now.
            again = connection.read_head()
            refuse_reset(again, head.repo_id, settings.address.url)
            head = again.head if again is not None else head
        for name, tag in read.tags.items():
            if tag.commit is not None and not may_hold(head, tag.commit, tag.seq):
                troubles[name] = lost_tag(name, tag.commit, tag.seq)
        tags = sorted(read.tags.values(), key=lambda tag: (-tag.seq, tag.name))
        return TagList(tuple(tags), troubles, connection.traffic().requests)


def set_tag(
    settings: Settings,
    surroundings: Surroundings,
    name: str,
    rev: str = LATEST,
    message: str | None = None,
    *,
    move: bool = False,
) -> TagDone:
    """Give a commit a name, for everyone.

    Args:
        settings: The configuration in force.
        surroundings: Time, and who we are.
        name: The name.
        rev: The commit; see `find_revision`.
        message: Why; `None` leaves that of a tag that is there already.
        move: Whether a name that stands for something else may be taken from it.

    Raises:
        UsageError: No tag may be called so, the name is in use, or there is no such commit.
        RaceLostError: Somebody else set the name at this moment, or a collection ran.
        RepositoryResetError: The repository was reset meanwhile.
    """
    name = _named(name)
    with open_history(settings, surroundings) as past:
        repo, found = past.repo, past.revision(rev)
        commit = commit_at(repo, found)
        read = repo.tags.read_all()
        before = read.tags.get(name)
        tag = Tag(
            name,
            found.id,
            found.seq,
            find_author(settings.user_name, settings.root, surroundings.env),
            timestamp(past.now),
            tidy(message or "", MESSAGE),
        )
        if before is not None and _is_same(before, tag, message):
            return TagDone(before, Change.SAME, before, commit, past.traffic().requests)
        _refuse_alike(read, tag)
        if not move:
            _refuse_taken(read, tag)
        taken = _write(repo, read, tag)
        if taken is not None and not _is_same(taken, tag, message):
            raise _lost(taken, "cas-sync tag {} REV --move")
        _check_head(past)
        is_new = before is None and name not in read.damaged
        change = Change.NEW if is_new else Change.MOVED
        if taken is not None:
            tag, change = taken, Change.SAME
        return TagDone(tag, change, before, commit, past.traffic().requests)


def remove_tag(settings: Settings, surroundings: Surroundings, name: str) -> TagDone:
    """Take a name back, for everyone; what it stood for stays in the history.

    Raises:
        UsageError: There is no such tag.
        RaceLostError: Somebody else set the name at this moment.
        RepositoryResetError: The repository was reset meanwhile.
    """
    name = normal(name)
    with open_history(settings, surroundings) as past:
        read = past.repo.tags.read_all()
        before = read.tags.get(name)
        if before is None and name not in read.damaged:
            raise UsageError(
                f"there is no tag {name!r}",
                cause=near_tags(name, read.tags),
                fix="see the tags:  cas-sync tag",
            )
        gone = Tag(
            name,
            None,
            before.seq if before is not None else max(1, past.head.seq),
            find_author(settings.user_name, settings.root, surroundings.env),
            timestamp(past.now),
            "",
        )
        taken = _write(past.repo, read, gone)
        if taken is not None and taken.commit is not None:
            raise _lost(taken, "cas-sync tag {} --delete")
        _check_head(past)
        return TagDone(before or gone, Change.REMOVED, before, None, past.traffic().requests)


def _named(name: str) -> str:
    name = normal(name)
    if why := why_not_a_name(name):
        raise UsageError(
            f"no tag may be called {name[:80]!r}",
            cause=why,
            fix="use another name, such as v1 or final-2026-11",
        )
    return name


def _is_same(there: Tag, wanted: Tag, message: str | None) -> bool:
    is_said = message is None or there.message == wanted.message
    return there.commit == wanted.commit and is_said


def _refuse_taken(read: TagsRead, tag: Tag) -> None:
    name = tag.name
    if name in read.damaged:
        raise damaged_tag(name, read.damaged[name])
    before = read.tags.get(name)
    if before is not None:
        what = "with another message" if before.commit == tag.commit else "already"
        raise UsageError(
            f"tag {name!r} names {before} {what}",
            cause=f"{before.tagger} set it, {before.time}",
            fix=f"move it, for everyone:  cas-sync tag {quote(name)} {_short(tag)} --move\n"
            "or use another name",
        )


def _refuse_alike(read: TagsRead, tag: Tag) -> None:
    names = {*read.tags, *read.damaged}
    if tag.name in names:
        return
    for other in sorted(names):
        if folded(other) == folded(tag.name):
            raise UsageError(
                f"there is a tag {other!r}, which people would take for {tag.name!r}",
                fix="use another name, or that one:  "
                f"cas-sync tag {quote(other)} {_short(tag)} --move",
            )


def _write(repo: Repository, read: TagsRead, tag: Tag) -> Tag | None:
    """Write a tag; return what somebody else wrote instead, at the same moment."""
    answer = repo.tags.write(tag, read.numbers.get(tag.name, 0) + 1)
    return answer.tag if isinstance(answer, Taken) else None


def _lost(taken: Tag, insist: str) -> RaceLostError:
    did = f"set tag {taken.name!r} to {taken}" if taken.commit else f"took {taken.name!r} back"
    return RaceLostError(
        f"{taken.tagger} was faster and {did}",
        fix=f"leave it so, or insist:  {insist.format(quote(taken.name))}",
        state="nothing of yours was written",
    )


def _check_head(past: History) -> None:
    """Make sure that the tag counts: its repository is open, and no collection ran."""
    now = past.connection.read_head()
    refuse_reset(now, past.head.repo_id, past.connection.bucket.url)
    if now is not None and now.head.gc_epoch != past.head.gc_epoch:
        raise RaceLostError(
            "the store was cleaned up at the same moment",
            cause="so it is not known whether the tagged commit still is there",
            fix="run the same command again",
            state="the tag is written; running again checks it",
        )


def _short(tag: Tag) -> str:
    return tag.commit.hex()[:8] if tag.commit else ""
