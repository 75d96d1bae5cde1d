"""One look at both sides: the folder scanned, the head read, the plan made.

`status` stops here; `sync` goes on. Both see the same because it is the same.
"""

import os
import random
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Generic, Self, TypeVar

from cas_sync.engine.contents import likely_params
from cas_sync.engine.ignoring import rules_of
from cas_sync.engine.places import refuse_misplaced
from cas_sync.engine.repository import Connection, refuse_reset
from cas_sync.engine.scanned import Scanned
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.trees import Trees
from cas_sync.errors import GuardError
from cas_sync.model.tree import Found
from cas_sync.plan.guards import Rewrites
from cas_sync.plan.matches import Matches
from cas_sync.plan.scope import Scope, refuse_bad_patterns
from cas_sync.plan.step import Act, Declined, Step
from cas_sync.plan.survey import Survey, take
from cas_sync.plan.sync_plan import Rules, decide_all, plan_sync
from cas_sync.progress import Progress
from cas_sync.store.head import HeadRead
from cas_sync.worktree.base import BaseTree
from cas_sync.worktree.declined import FILE as DECLINED_FILE
from cas_sync.worktree.declined import read_declined
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.hashing import FileHasher
from cas_sync.worktree.index import ChangesWriter, LocalRow, read_index
from cas_sync.worktree.kept import Kept, Taker
from cas_sync.worktree.scan import ScanReport, fs_now_ns, scan
from cas_sync.worktree.seed_files import is_seed_file
from cas_sync.worktree.state import BASE_FILE, LocalState, read_remembered
from cas_sync.worktree.trouble import translated

LOCK_WAIT_S = 10.0

T = TypeVar("T")


@dataclass(frozen=True)
class Plan:
    """What is to be done, and what it comes to.

    Attributes:
        survey: What it comes to.
        rules: The rules it was made by.
        remake: Makes the steps again.
        rows: Yields the files as scanned, in path order: those of all steps, if no others.
    """

    survey: Survey
    rules: Rules
    remake: Callable[[], Iterator[Step]]
    rows: Callable[[], Iterator[LocalRow]]

    def steps(self) -> Iterator[Step]:
        """Yield the steps in path order; may be called again and again."""
        return iter(self.survey.steps) if self.survey.is_whole else self.remake()

    def steps_of(self, *acts: Act) -> Iterator[Step]:
        """Yield the steps of some acts; a long plan is made again only if it has any."""
        if not any(self.survey.acts[act] for act in acts):
            return iter(())
        return (step for step in self.steps() if step.act in acts)


@dataclass(frozen=True)
class Wanted:
    """What the user named.

    Attributes:
        paths: Files or folders; empty means all.
        only: gitignore patterns, of which a path must match one; empty means all.
        exclude: gitignore patterns of what is left alone.
    """

    paths: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass
class Session:
    """A data folder and its store, opened for one command; a context manager.

    Attributes:
        settings: The configuration in force.
        surroundings: Time, randomness and names.
        progress: Is told what happens.
        wanted: What the user named.
        creates: Whether a missing data folder is made; else it counts as an empty one.
        scope: Which paths this command is about.
        kept: What the scan has read of new files; `None` where nothing will be published.
    """

    settings: Settings
    surroundings: Surroundings
    progress: Progress
    wanted: Wanted = field(default_factory=Wanted)
    creates: bool = True
    scope: Scope = field(init=False)
    folder: Folder = field(init=False)
    state: LocalState = field(init=False)
    kept: Kept | None = field(default=None, init=False)
    _exits: ExitStack = field(default_factory=ExitStack, init=False)
    _opening: "Future[tuple[Connection, HeadRead | None]] | None" = field(
        default=None, init=False
    )
    _connection: Connection | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        """Open and lock the data folder."""
        with self._exits:
            data = self.settings.data
            refuse_vanished(self.settings)
            refuse_misplaced(self.settings)
            with translated(str(data)):
                if self.creates:
                    data.mkdir(parents=True, exist_ok=True)
                elif not data.exists():
                    self.progress.note(f"There is no folder {data} yet; a sync makes it.")
                    data = Path(self._exits.enter_context(TemporaryDirectory()))
                self.folder = self._exits.enter_context(Folder(str(data)))
            self.state = LocalState(self.folder)
            self.state.create()
            self.scope = self._scope()
            self._exits.enter_context(self.state.lock(LOCK_WAIT_S))
            self._exits = self._exits.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Close everything that was opened."""
        self._exits.close()

    def _scope(self) -> Scope:
        wanted, only, remembered = self.wanted, self.wanted.only, self.settings.only
        if only and not self.state.exists():
            # The first sync of a folder says what is wanted there for good (`only`).
            refuse_bad_patterns(only, "--only")
            only, remembered = (), only
        rules = rules_of(self.settings, self.folder)
        return Scope(rules, wanted.paths, only, wanted.exclude, remembered)

    def declined(self) -> Iterable[Declined]:
        """Return what the user said no to before, in path order."""
        return read_declined(self.state.path_of(DECLINED_FILE))

    # -- the store ------------------------------------------------------------------

    def start_reading_head(self) -> "Future[tuple[Connection, HeadRead | None]]":
        """Begin to read the head while something else is done.

        Loading the AWS library takes longer than scanning thousands of files.
        """
        opener = self.surroundings.pool(1)
        self._exits.callback(self._disconnect)
        self._exits.callback(opener.shutdown)
        self._opening = opener.submit(self._open)
        return self._opening

    def _open(self) -> tuple[Connection, HeadRead | None]:
        connection = Connection(self.settings, self.surroundings)
        self._connection = connection
        return connection, connection.read_head()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def head(self) -> tuple[Connection, HeadRead | None]:
        """Return the connection and the head that was read.

        Raises:
            StoreError: The store did not answer.
            RepositoryResetError: The history this folder knew is gone.
        """
        connection, head = (self._opening or self.start_reading_head()).result()
        root = self.state.read_root()
        known, before = (root.repo_id, root.store_url) if root else (None, "")
        refuse_reset(head, known, self.settings.address.url, synced_with=before)
        return connection, head

    # -- the folder -----------------------------------------------------------------

    def base(self) -> BaseTree:
        """Return what both sides last agreed on; nothing where that cannot be believed."""
        base = BaseTree(self.state.base_path)
        if base.is_damaged and not is_seed_file(self.folder, BASE_FILE):
            self.progress.note(
                "The record of the last sync is damaged; merging without deleting."
            )
        root = self.state.read_root()
        if root is not None and self.state.identity_changed():
            self.progress.note(
                "This folder was copied or restored from a backup; merging without deleting."
            )
            base.agreed = None
        if base.agreed is not None and (root is None or base.agreed.repo_id != root.repo_id):
            base.agreed = None
        return base

    def scan(self, *, publishes: bool = False, taker: Taker | None = None) -> Scanned:
        """Look at every file of the data folder, opening only those that changed.

        Args:
            publishes: Whether what is new is going to be published: then what was read of
                it is `kept`.
            taker: Takes the chunks of files that are added meanwhile.
        """
        if publishes:
            root = self.state.read_root()
            params = likely_params(self.settings.cache_dir, root.repo_id if root else None)
            self.kept = self._exits.enter_context(closing(Kept(params, taker=taker)))
        report = ScanReport()
        problems: list[Found] = []
        samples: Reservoir[bytes] = Reservoir(self.surroundings.entropy(8), 128)
        index = read_index(self.state.index_path)
        differing = scan(
            self.folder,
            index.lines(),
            fs_now_ns=fs_now_ns(self.folder),
            is_ignored=self.scope.is_ignored,
            on_sample=lambda _, first: samples.add(first),
            hasher=FileHasher(self.kept),
            report=report,
        )
        spool: str | None = None
        with ExitStack() as stack:
            changes: ChangesWriter | None = None
            for row in differing:
                if isinstance(row, Found):
                    problems.append(row)
                    continue
                if changes is None:
                    spool = self.new_spool()
                    changes = stack.enter_context(ChangesWriter(spool))
                changes.write(row)
        return Scanned(index, spool, problems, report, Rewrites(tuple(samples.kept)))

    def new_spool(self) -> str:
        """Return the path of a new file that goes when the session ends."""
        path = Path(self.state.tmp_dir) / f"state-spool-{self.surroundings.nonce()}"
        self._exits.callback(path.unlink, missing_ok=True)
        return str(path)

    # -- the plan -------------------------------------------------------------------

    def plan(self, trees: Trees, rules: Rules, matches: Matches | None = None) -> Plan:
        """Return what must happen; made again until no names clash.

        ``matches`` gets to see every path.
        """
        decided = decide_all(*trees.sides(), rules)
        seen = decided if matches is None else matches.among(decided)
        left_out = trees.narrowed
        survey = take(seen, left_out.beside if left_out else ())
        if left_out is not None:
            if survey.refused or survey.clashes or survey.copies:
                # What is set aside may meet a name anywhere.
                return self.plan(trees.whole, rules, matches)
            survey.n_base, survey.n_ours = left_out.n_base, left_out.n_ours
        if survey.refused.keys() - rules.refused.keys() or survey.clashes - rules.clashes:
            refused = {**survey.refused, **rules.refused}
            clashes = rules.clashes | survey.clashes
            return self.plan(trees, replace(rules, refused=refused, clashes=clashes))
        return Plan(survey, rules, lambda: plan_sync(*trees.sides(), rules), trees.rows)


class Reservoir(Generic[T]):
    """Keeps a fair sample of what it is given (Vitter's algorithm R).

    Args:
        seed: Decides what is kept.
        size: How much is kept.
    """

    def __init__(self, seed: bytes, size: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a sample, not a secret
        self._size = size
        self._n = 0
        self.kept: list[T] = []

    def add(self, each: T) -> None:
        """Take one more."""
        self._n += 1
        if len(self.kept) < self._size:
            self.kept.append(each)
        elif (i := int(self._random.random() * self._n)) < self._size:
            self.kept[i] = each


def refuse_vanished(settings: Settings) -> None:
    """Stop where the data folder was synced before and is another one, or gone.

    Raises:
        GuardError: It is.
    """
    if (settings.data / ".S3" / "root.json").exists():
        return
    known = read_remembered(str(settings.state_dir), str(settings.data))
    if known is None or known.n_files == 0:
        return
    # A link that leads nowhere is there, too.
    here = sum(os.path.lexists(settings.data / path) for path in known.sample)
    if here and 2 * here >= len(known.sample):
        return  # the files are there, only the bookkeeping was lost: merge as a union
    raise GuardError(
        f"{settings.data} is missing or another folder, but the last sync here had "
        f"{known.n_files:,} files",
        cause="the drive may not be mounted, or the folder was moved, replaced or deleted",
        fix="mount it or move it back; or, to download everything again:\n"
        "cas-sync reset --confirm --local   then   cas-sync sync",
        code="E205",
    )
