"""What the engine tells of the history, as the values of this room."""

from collections.abc import Iterable

from cas_sync.api.convert import skipped_of
from cas_sync.api.history import Change, Diff, FileChange, LogEntry, Side
from cas_sync.api.looking import Deleted, DeletedFiles, Group, Item, Usage
from cas_sync.api.status import Skipped
from cas_sync.api.tags import Pin, Tag, Tags
from cas_sync.engine import at_revision, deleted, diff, log, pin, show, tags, usage
from cas_sync.errors import CasSyncError
from cas_sync.formats import tag
from cas_sync.model.tree import Entry
from cas_sync.plan.renames import TreeChange


def entry_of(
    entry: log.LogEntry, changes: Iterable[Change] | None, *, with_changes: bool
) -> LogEntry:
    """Return a commit as a value.

    Args:
        entry: The commit.
        changes: Its changes; `None` for those that it repeats itself.
        with_changes: Whether they are told.
    """
    commit, event = entry.commit, entry.event
    version = entry.version.content if entry.version else None
    if changes is None:
        changes = (Change(row.path, row.change, row.old, row.new) for row in commit.changes)
    return LogEntry(
        id=str(entry.id),
        seq=commit.seq,
        parent=str(commit.parent) if commit.parent else None,
        author=commit.author,
        machine=commit.machine,
        time=str(commit.time),
        message=commit.message,
        changes=dict(commit.counts._asdict()),
        files=commit.files,
        size=commit.size,
        bytes_new=commit.bytes_new,
        tags=entry.tags,
        path=str(event.path) if event else None,
        change=event.change if event else None,
        renamed_from=event.renamed_from if event else "",
        renamed_to=event.renamed_to if event else "",
        below=dict(event.below._asdict()) if event and event.below is not None else None,
        hash=str(version.id) if version else None,
        file_size=version.size if version else None,
        rows=tuple(changes) if with_changes else None,
    )


def shown_of(shown: show.Shown) -> LogEntry:
    """Return a commit and its changes as a value; its rows are taken."""
    entry = log.LogEntry(shown.id, shown.commit, shown.tags)
    return entry_of(entry, map(_change_of, shown.rows), with_changes=True)


def _change_of(row: TreeChange) -> FileChange:
    brief = row.brief()
    return FileChange(
        path=brief.path,
        change=brief.change,
        old=brief.old,
        new=brief.new,
        old_size=row.before.size if row.before else None,
        new_size=row.after.size if row.after else None,
        renamed_from=row.renamed_from,
        renamed_to=row.renamed_to,
    )


def diff_of(found: diff.Diff, rows: Iterable[TreeChange]) -> Diff:
    """Return what differs as a value.

    Args:
        found: What was compared.
        rows: What differs; taken before it is known what was skipped.
    """
    changes = tuple(map(_change_of, rows))
    return Diff(_side_of(found.old), _side_of(found.new), changes, skipped_of(found.skipped))


def _side_of(side: diff.Side) -> Side:
    revision = side.revision
    if revision is None:
        return Side()
    return Side(side.rev, str(revision.id), revision.seq)


def item_of(row: Entry | at_revision.Subfolder) -> Item:
    """Return what lies in a folder as a value."""
    if isinstance(row, at_revision.Subfolder):
        return Item(f"{row.path}/")
    content = row.content
    return Item(
        path=str(row.path),
        hash=str(content.id),
        size=content.size,
        mode=str(content.mode),
        edited_by=row.editor,
        time_edited=str(row.edited),
    )


def usage_of(found: usage.Usage, rev: str) -> Usage:
    """Return what takes the room as a value."""
    return Usage(
        rev=rev,
        commit=str(found.revision.id),
        seq=found.revision.seq,
        files=found.files,
        size=found.size,
        groups=tuple(Group(*each) for each in found.groups),
    )


def deleted_of(groups: Iterable[deleted.DeletedGroup]) -> DeletedFiles:
    """Return what was deleted as a value."""
    return DeletedFiles(
        tuple(
            Deleted(
                path=str(each.path),
                is_folder=each.is_folder,
                files=each.n_files,
                size=each.size,
                existing=each.n_existing,
                deleted_by=each.deleter,
                time_deleted=str(each.deleted),
                seq=each.seq,
            )
            for each in groups
        )
    )


def tag_of(found: tag.Tag) -> Tag:
    """Return a tag as a value."""
    return Tag(
        name=found.name,
        commit=str(found.commit) if found.commit else None,
        seq=found.seq,
        tagger=found.tagger,
        time=str(found.time),
        message=found.message,
    )


def pin_of(found: pin.Pinned) -> Pin:
    """Return what a lock file names as a value."""
    return Pin(
        file=str(found.path),
        commit=str(found.lock.commit),
        seq=found.lock.seq,
        tags=found.tags,
        behind=found.latest - found.lock.seq,
        written=found.is_new,
    )


def tags_of(found: tags.TagList) -> Tags:
    """Return the tags as a value."""
    troubles = tuple(Skipped(name, _why(error)) for name, error in found.troubles.items())
    return Tags(tuple(map(tag_of, found.tags)), troubles)


def _why(error: CasSyncError) -> str:
    return f"{error.message}: {error.cause}" if error.cause else error.message
