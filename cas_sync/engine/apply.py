"""The second half of a sync: the folder brought to the plan, and that written down.

The base is written last of what matters, path by path: a path that is not as the plan says
keeps its old row, so the next sync does what this one could not.
"""

import random
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from cas_sync.engine.checkout import Checkout, LocalChange
from cas_sync.engine.intent import Reached, left_settled, note_settled
from cas_sync.engine.local import contents_here
from cas_sync.engine.only import note_remembered
from cas_sync.engine.repository import Repository
from cas_sync.engine.scanned import Scanned, clean_tag
from cas_sync.engine.session import Plan, Session
from cas_sync.engine.wanted import Pairs, with_rows
from cas_sync.errors import DamageError, DiskFullError
from cas_sync.model.commit import Commit, Head
from cas_sync.model.paths import RepoPath, path_of, sort_key
from cas_sync.model.tree import Entry
from cas_sync.plan.conflict import SET_ASIDE
from cas_sync.plan.step import Act, Step
from cas_sync.plan.sync_plan import align, still_declined, tree_change
from cas_sync.store.sparse_index import MANY
from cas_sync.worktree.base import Agreed, BaseTree, write_base
from cas_sync.worktree.declined import FILE as DECLINED_FILE
from cas_sync.worktree.declined import write_declined
from cas_sync.worktree.deletions import (
    LOCAL_FILE,
    REMOTE_FILE,
    note_removed,
    write_unpublished,
)
from cas_sync.worktree.index import IndexWriter, dump, read_index
from cas_sync.worktree.state import Remembered, write_remembered
from cas_sync.worktree.writer import Writer

T = TypeVar("T")

SAMPLE = 32
"""Of so many files the names are remembered outside the folder."""


@dataclass
class Materialized:
    """What became of the folder.

    Attributes:
        written_path: Where the rows of the files that were written lie; `None` if none.
        changes: Other files that came or went, by key.
        failed: Paths that are not as the plan says, and why.
        kept: What was removed or replaced, by path, and where it lies now.
        n_downloaded: Files written.
        n_deleted: Files removed.
        n_local: Files written whose bytes were on this machine.
        bytes_local: Those bytes.
        damage: The first damaged object met.
    """

    written_path: str | None = None
    changes: list[LocalChange] = field(default_factory=list)
    failed: dict[RepoPath, str] = field(default_factory=dict)
    kept: dict[RepoPath, str] = field(default_factory=dict)
    n_downloaded: int = 0
    n_deleted: int = 0
    n_local: int = 0
    bytes_local: int = 0
    damage: DamageError | None = None

    def local_changes(self) -> Iterator[LocalChange]:
        """Yield every change of the folder, by key."""
        if self.written_path is None:
            return last_of_each(self.changes)
        written = ((sort_key(row.path), row) for row in read_index(self.written_path))
        return overlaid(last_of_each(self.changes), written)


def materialize(
    session: Session,
    repo: Repository,
    plan: Plan,
    ours: Scanned,
    head: Head,
    *,
    thorough: bool = False,
) -> Materialized:
    """Bring the folder to what the plan says.

    Args:
        session: The data folder.
        repo: The repository.
        plan: What is to be done.
        ours: The data folder as scanned.
        head: Knows where contents lie.
        thorough: Whether to look for contents on this machine however little there is to
            download.

    Raises:
        DiskFullError: There is no room.
    """
    if not plan.survey.n_materialize:
        return Materialized()
    _refuse_full_disk(session, plan.survey.bytes_down)
    session.progress.phase("Download", plan.survey.n_materialize, plan.survey.bytes_down)
    writer = Writer(session.folder, fsync=True)
    pairs = _pairs(plan)
    path = session.new_spool()
    try:
        with contents_here(
            session, repo.repo_id, plan.survey, pairs, ours, thorough=thorough
        ) as local:
            checkout = Checkout(
                session.folder,
                writer,
                repo.reader(head, sparse=plan.survey.n_materialize <= MANY),
                f"{head.seq:06d}",
                session.progress,
                local,
            )
            acts = plan.survey.acts
            changes: list[LocalChange] = []
            # A long plan is made again for each of these: only those that find anything.
            if acts[Act.KEEP_BOTH] or acts[Act.SET_OURS_ASIDE]:
                changes += checkout.set_aside(pairs())
            if acts[Act.DELETE_HERE]:
                changes += checkout.remove(pairs())
            if acts[Act.DOWNLOAD] and plan.survey.n_ours:
                changes += checkout.set_modes(pairs())
            if acts[Act.SET_THEIRS_ASIDE]:
                changes += checkout.write(pairs(), under_copies=True)
            changes.sort(key=lambda each: each[0])
            rows = IndexWriter(path, session.state.tmp_dir)
            try:
                for _, row in checkout.write(pairs(), under_copies=False):
                    if row is not None:
                        rows.write(row)
                rows.commit()
            finally:
                rows.abandon()
    finally:
        writer.close()
    return Materialized(
        path,
        changes,
        checkout.failed,
        checkout.kept,
        checkout.n_downloaded,
        checkout.n_deleted,
        checkout.n_local,
        checkout.bytes_local,
        checkout.damage,
    )


def _pairs(plan: Plan) -> Callable[[], Pairs]:
    """Return what yields the plan with the files as scanned, again and again."""
    if not plan.survey.is_whole:
        return lambda: with_rows(plan.steps(), plan.rows)
    # A plan that is held anyway: the index of a large folder is gone through once.
    pairs = list(with_rows(plan.steps(), plan.rows))
    return lambda: pairs


def _refuse_full_disk(session: Session, needed: int) -> None:
    data = session.settings.data
    free = shutil.disk_usage(data).free
    if needed > free:
        raise DiskFullError(
            f"{needed:,} bytes are to be downloaded, {free:,} are free on the disk of {data}",
            fix="free some space, or take a part:  cas-sync sync --only 'PATTERN'",
        )


def catch_up(
    session: Session,
    repo: Repository,
    base: BaseTree,
    ours: Scanned,
    reached: Reached,
) -> BaseTree:
    """Write down what a killed sync did, and return the base after that.

    It was bringing the folder to a commit. What is as that commit says was put there and is
    no edit of ours, and what it published itself was agreed on then; the rest keeps its old
    row.
    """
    state = session.state
    if base.agreed is None and (base.is_damaged or state.identity_changed()):
        return base
    target = repo.commits.read(reached.commit, reached.seq)
    agreed = Agreed(
        repo.repo_id,
        reached.seq,
        reached.commit,
        # The folder is not at that commit yet: some paths are still to come.
        max(1, base.agreed.n_pending if base.agreed else 0),
    )
    leaves_out = session.scope.leaves_out
    rows = _caught_up(repo, base, ours, target, leaves_out, is_ours=reached.is_ours)
    write_base(state.base_path, state.tmp_dir, rows, agreed)
    return BaseTree(state.base_path)


def _caught_up(
    repo: Repository,
    base: BaseTree,
    ours: Scanned,
    target: Commit,
    leaves_out: Callable[[str], bool],
    *,
    is_ours: bool,
) -> Iterator[Entry]:
    published = _published_in(repo, target) if is_ours else iter(())
    next_key = next(published, None)
    for sides in align(base.rows(), ours.found(), repo.versions.rows(target.versions)):
        at = sort_key(sides.path)
        while next_key is not None and next_key < at:
            next_key = next(published, None)
        found, there = sides.ours, sides.theirs
        here = found.content if found is not None else None
        is_done = here == (there.content if there else None) and (
            # What was not looked at may be there.
            not leaves_out(sides.path) if found is None else here is not None
        )
        row = there if is_done or next_key == at else sides.base
        if row is not None:
            yield row


def _published_in(repo: Repository, commit: Commit) -> Iterator[str]:
    """Yield the keys of what a commit changed, but for files it set aside."""
    before = None
    if commit.parent is not None:
        before = repo.commits.read(commit.parent, commit.seq - 1).versions
    for old, new in repo.versions.diff(before, commit.versions):
        row = new if new is not None else old
        # What was set aside got its other name here only after the commit, if at all.
        if row is not None and SET_ASIDE not in row.path:
            yield sort_key(row.path)


def record(
    session: Session,
    plan: Plan,
    base: BaseTree,
    ours: Scanned,
    head: Head,
    author: str,
    done: Materialized,
) -> None:
    """Write down what both sides agree on now, and what the folder holds."""
    state, survey = session.state, plan.survey
    # A long plan is made from the base again and again: a new base comes after all of that.
    note_declined(session, plan)
    _note_deletions(session, plan, head.seq, done.kept)
    left = left_settled(plan)
    n_pending = survey.n_pending + len(done.failed)
    agreed = Agreed(head.repo_id, head.seq, head.commit, n_pending)
    if survey.n_steps or base.agreed != agreed:

        def touched() -> Iterator[tuple[RepoPath, Entry | None]]:
            return _base_changes(plan, author, done.failed)

        base.write(state.base_path, touched, agreed, state.tmp_dir)
    note_remembered(session)
    note_settled(session, left, head)
    # What is left out stays pending, and is not looked at again before the rules change.
    is_clean = n_pending == survey.acts[Act.IGNORED] and not ours.problems
    tag = clean_tag(head.repo_id, head.commit, session.scope) if is_clean else ""
    write_index(session, ours, done.local_changes, tag, head.repo_id)


def write_index(
    session: Session,
    ours: Scanned,
    done: Callable[[], Iterable[LocalChange]],
    tag: str,
    repo_id: str,
) -> None:
    """Write the index, and remember outside the folder what is in it.

    Args:
        session: The data folder.
        ours: It, as scanned.
        done: Yields what was changed there since, by key.
        tag: What the next scan is told.
        repo_id: The repository.
    """
    state, settings = session.state, session.settings

    def changes() -> Iterator[tuple[RepoPath, str | None]]:
        seen = ((sort_key(path), line) for path, line in ours.changes())
        since = ((key, row and dump(row)) for key, row in done())
        return ((path_of(key), line) for key, line in overlaid(seen, since))

    n_rows = ours.index.write(changes, tag, state.tmp_dir)
    if not state.exists():
        return  # files were brought to a folder that was never synced: it owes nothing
    chance = random.Random(session.surroundings.entropy(8))  # noqa: S311 - a sample, not a secret
    sample = read_index(state.index_path).sample(sorted(chance.random() for _ in range(SAMPLE)))
    write_remembered(
        str(settings.state_dir),
        Remembered(str(settings.data), repo_id, n_rows, tuple(dict.fromkeys(sample))),
    )


def note_declined(session: Session, plan: Plan) -> None:
    """Write down what the user said no to."""
    state, path = session.state, session.state.path_of(DECLINED_FILE)
    if plan.rules.is_past or not (plan.survey.acts[Act.DECLINED] or Path(path).exists()):
        return
    rows = still_declined(session.declined(), plan.steps(), plan.rules.ignores)
    write_declined(path, state.tmp_dir, rows)


def _note_deletions(session: Session, plan: Plan, seq: int, kept: dict[RepoPath, str]) -> None:
    state = session.state
    unpublished = (
        step.base
        for step in plan.steps_of(Act.LEAVE, Act.DECLINED)
        if not step.ours and step.base is not None
    )
    removed = (
        (step.base, kept[step.path])
        for step in plan.steps_of(Act.DELETE_HERE)
        if step.base is not None and step.path in kept
    )
    write_unpublished(state.path_of(LOCAL_FILE), state.tmp_dir, unpublished)
    note_removed(state.path_of(REMOTE_FILE), removed, seq)


def _base_changes(
    plan: Plan, author: str, failed: dict[RepoPath, str]
) -> Iterator[tuple[RepoPath, Entry | None]]:
    """Yield what both sides agree on now, for each path that was in the plan."""
    copies = sorted(
        (sort_key(change[1].path), change[1])
        for step in plan.survey.copies
        if step.path not in failed and (change := tree_change(step, author)) and change[1]
    )
    main = (
        (sort_key(step.path), agreed[0])
        for step in plan.steps()
        if step.path not in failed and (agreed := _agreed(step, author)) is not None
    )
    for key, row in overlaid(main, last_of_each(copies)):
        yield path_of(key), row


def overlaid(
    changes: Iterable[tuple[str, T]], later: Iterable[tuple[str, T]]
) -> Iterator[tuple[str, T]]:
    """Yield the changes of both, by key; the later ones where both have the same key."""
    others = iter(later)
    other = next(others, None)
    for change in changes:
        while other is not None and other[0] < change[0]:
            yield other
            other = next(others, None)
        if other is None or other[0] != change[0]:
            yield change
    if other is not None:
        yield other
        yield from others


def last_of_each(changes: Iterable[tuple[str, T]]) -> Iterator[tuple[str, T]]:
    """Yield the last change of each key; a file may be set aside onto its own copy.

    ``changes`` ascend by key.
    """
    pending: tuple[str, T] | None = None
    for change in changes:
        if pending is not None and pending[0] != change[0]:
            yield pending
        pending = change
    if pending is not None:
        yield pending


def _agreed(step: Step, author: str) -> tuple[Entry | None] | None:
    """Return the row both sides hold once the step is done; `None` if they do not agree."""
    match step.act:
        case Act.CONFLICT | Act.SKIP | Act.LEAVE | Act.DECLINED | Act.IGNORED | Act.UNSEEN:
            return None
        case Act.AGREE | Act.DOWNLOAD | Act.DELETE_HERE | Act.TAKE_THEIRS:
            return (step.theirs,)
        case _:
            change = tree_change(step, author)
            return None if change is None else (change[0],)
