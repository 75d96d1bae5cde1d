"""A project as an object: one method a use case, every answer a value.

Nothing here prints, asks, exits, or changes the process it runs in. A project holds no open
files and no connections: it may be used from any thread, and beside others.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Unpack

from cas_sync.api.arguments import (
    Overrides,
    PathLike,
    Paths,
    config_of,
    named_in,
    one_of,
)
from cas_sync.api.asking import Ask, Caller, Select
from cas_sync.api.convert import (
    conflict_of,
    reset_of,
    restore_of,
    status_of,
    sync_of,
    to_adopt_of,
    undo_of,
)
from cas_sync.api.convert_history import pin_of, tag_of
from cas_sync.api.events import Events, Listener
from cas_sync.api.opening import Open
from cas_sync.api.plans import Plan
from cas_sync.api.results import ResetResult, RestoreResult, SyncResult, UndoResult
from cas_sync.api.status import Conflicts, Status
from cas_sync.api.tags import Pin, Tag
from cas_sync.api.versions import Versions
from cas_sync.engine.pin import run_pin
from cas_sync.engine.places import refuse_misplaced
from cas_sync.engine.reset import run_reset
from cas_sync.engine.restore import RestoreOptions, run_restore
from cas_sync.engine.settings import load_settings
from cas_sync.engine.status import run_status
from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.sync import run_sync
from cas_sync.engine.sync_report import SyncOptions, Target
from cas_sync.engine.tags import remove_tag, set_tag
from cas_sync.engine.target import read_lock
from cas_sync.engine.undelete import UndeleteOptions, run_undelete
from cas_sync.engine.undo import run_undo
from cas_sync.engine.undo_report import UndoOptions
from cas_sync.errors import UsageError
from cas_sync.formats.config_json import Config
from cas_sync.model.paths import is_below
from cas_sync.plan.step import OnConflict
from cas_sync.progress import Silent
from cas_sync.store.bucket import Bucket, StoreAddress
from cas_sync.store.connect import open_bucket

_CHOICES = {
    "mine": OnConflict.MINE,
    "theirs": OnConflict.THEIRS,
    "both": OnConflict.KEEP_BOTH,
    "keep-both": OnConflict.KEEP_BOTH,
}


class Project(Versions):
    """A folder with a configuration, a data folder and a store.

    `Project.open(path=".", **overrides)` finds the configuration as the command line does:
    in the folder or above, then in the environment and the user's file. The overrides go
    before all of them: `store`, `data`, `profile`, `region`, `endpoint_url`, `user`, `jobs`,
    `ignore`, `single_writer`, `credentials`. With ``store`` no file is needed; none is
    written. Raises `NotAProjectError` where nothing names a store.

    `project.open(path, rev="@")` returns what a file held at a revision, as a binary file
    object that is open for reading; its bytes were checked. What can be looked at without
    changing anything stands in `Versions`, and what a revision may be.

    Every method may raise a `CasSyncError`. It has ``code``, ``cause``, ``fix``, ``state``
    (what was left as it was) and ``exit_code``.
    """

    open = Open()

    @staticmethod
    def open_project(path: PathLike = ".", **overrides: Unpack[Overrides]) -> "Project":
        """Return the project that ``path`` is in; `Project.open` for short.

        Raises:
            NotAProjectError: Nothing names a store.
            ConfigError: The configuration says what cannot be.
        """
        return project_in(path, config_of(dict(overrides), "Project.open"))

    # -- looking ----------------------------------------------------------------------

    def status(self, *, offline: bool = False) -> Status:
        """Return what a sync would meet.

        Args:
            offline: Whether to compare with the last sync only and ask nobody.
        """
        settings = self._settings()
        report = run_status(settings, self._surroundings, Silent(), offline=offline)
        return status_of(report, settings.address.url)

    def plan(
        self, paths: Paths = (), *, only: Iterable[str] = (), exclude: Iterable[str] = ()
    ) -> Plan:
        """Return what a sync would do; nothing is changed.

        Args:
            paths: Files or folders it is about; empty means all.
            only: gitignore patterns, of which a path must match one.
            exclude: gitignore patterns of what is left alone.
        """
        settings = self._settings()
        caller = Caller(adopts=True)
        options = SyncOptions(
            paths=named_in(paths, settings),
            only=tuple(only),
            exclude=tuple(exclude),
            dry_run=True,
            allow_mass_delete=True,  # the guards stop what is done, not a look at it
        )
        report = run_sync(settings, self._surroundings, options, caller, Silent())
        return replace(
            caller.looked or Plan(),
            to_adopt=to_adopt_of(report.foreign),
            paths=options.paths,
            only=options.only,
            exclude=options.exclude,
        )

    def conflicts(self) -> Conflicts:
        """Return the files that both sides changed, differently."""
        report = run_status(self._settings(), self._surroundings, Silent(), offline=False)
        return Conflicts(tuple(map(conflict_of, report.conflicts)))

    # -- doing ------------------------------------------------------------------------

    def sync(
        self,
        plan: Plan | None = None,
        *,
        message: str = "",
        push: bool = True,
        pull: bool = True,
        deletes: bool = True,
        on_conflict: str = "ask",
        select: Select | None = None,
        adopt: bool = False,
        allow_mass_delete: bool = False,
        paths: Paths = (),
        only: Iterable[str] = (),
        exclude: Iterable[str] = (),
        locked: bool = False,
        progress: Listener | None = None,
        ask: Ask | None = None,
    ) -> SyncResult:
        """Make the data folder and the shared prefix the same, without a question.

        Args:
            plan: What `plan` returned, to be carried out and nothing else: a path on which
                either side has changed since is left for the next sync.
            message: Why, for the log.
            push: Whether what is new here is published.
            pull: Whether what teammates published is written here.
            deletes: Whether deletions are carried over.
            on_conflict: ``ask`` (leave them alone), ``keep-both``, ``mine``, ``theirs`` or
                ``fail`` (do nothing at all where there is one).
            select: What of the plan is meant: gitignore patterns, or a callable that is
                given a `PlanItem`. The rest is left for the next sync.
            adopt: Whether files that are in the store without a history become its first
                commit.
            allow_mass_delete: Whether the guards are passed.
            paths: Files or folders it is about; empty means all.
            only: gitignore patterns, of which a path must match one.
            exclude: gitignore patterns of what is left alone.
            locked: Whether the folder is brought to exactly the version that `cas-sync.lock`
                names; nothing is published then.
            progress: Is given small dictionaries about what happens; see `Events`.
            ask: Is given the `Plan` before anything is done; returns `True`, `False`, or
                what of it is meant, as in ``select``.

        Raises:
            UsageError: The arguments contradict each other, or there is something to adopt.
            GuardError: Going on could lose data.
        """
        if plan is not None and not isinstance(plan, Plan):
            raise UsageError(
                f"sync() takes a plan first, not {plan!r}",
                fix=f"to sync some paths only:  sync(paths={plan!r})",
            )
        settings, about = self._settings(), plan or Plan()
        if locked and (plan or paths or only or exclude or select or not (pull and deletes)):
            raise UsageError("locked=True brings a whole version, so nothing else is chosen")
        options = SyncOptions(
            paths=named_in(paths, settings) or about.paths,
            only=tuple(only) or about.only,
            exclude=(*about.exclude, *exclude),
            push=push,
            pull=pull,
            deletes=deletes,
            on_conflict=one_of({each.value: each for each in OnConflict}, on_conflict),
            allow_mass_delete=allow_mass_delete,
            message=message,
            target=Target(lock=read_lock(settings)) if locked else None,
        )
        return self._sync(options, Caller(plan, select, ask, adopt), progress)

    def _sync(
        self, options: SyncOptions, caller: Caller, progress: Listener | None
    ) -> SyncResult:
        if not (options.push or options.pull):
            raise UsageError("push and pull are both off", fix="leave one of them on")
        settings, clock = self._settings(), self._surroundings.clock
        events, began = Events(clock, progress), clock.monotonic()
        report = run_sync(settings, self._surroundings, options, caller, events)
        notes = (*settings.warnings, *events.notes)
        return sync_of(report, notes, clock.monotonic() - began)

    def resolve(self, paths: Paths, choice: str) -> SyncResult:
        """Settle conflicts, and sync nothing else.

        Args:
            paths: Files in conflict, or folders of such.
            choice: ``mine``, ``theirs`` or ``both``; the version that gives way stays in
                the history.

        Raises:
            UsageError: Nothing is in conflict there.
        """
        on_conflict, named = one_of(_CHOICES, choice), named_in(paths, self._settings())
        meant = tuple(
            each.path for each in self.conflicts() if any(is_below(each.path, n) for n in named)
        )
        if not meant:
            raise UsageError(
                f"nothing is in conflict at {', '.join(named)}",
                fix="see what is:  cas-sync conflicts",
            )
        return self._sync(SyncOptions(paths=meant, on_conflict=on_conflict), Caller(), None)

    def restore(
        self, paths: Paths, rev: str = "@", to: PathLike | None = None
    ) -> RestoreResult:
        """Bring files or folders of an old revision back as local files.

        The next sync publishes them. What is replaced is kept in ``.S3/deleted``, unless the
        history has it; files that were not there then are left alone.

        Args:
            paths: Files or folders.
            rev: The revision; see `Versions`.
            to: Another folder to write to; then nothing is touched here and nothing replaced
                there.

        Raises:
            UsageError: A path or the revision is not in the history.
        """
        settings, clock = self._settings(), self._surroundings.clock
        named = named_in(paths, settings)
        if not named:
            raise UsageError("no path is named", fix='"." stands for the whole data folder')
        began = clock.monotonic()
        elsewhere = None if to is None else Path(to).absolute()
        options = RestoreOptions(named, rev, elsewhere)
        report = run_restore(settings, self._surroundings, options, _agree, Silent())
        return restore_of(report, clock.monotonic() - began)

    def undelete(
        self, paths: Paths, rev: str | None = None, to: PathLike | None = None
    ) -> RestoreResult:
        """Bring deleted files back as local files; `deleted` tells which there are.

        The next sync publishes them. What exists is never replaced, and told as skipped where
        it was named.

        Args:
            paths: Files, folders or gitignore patterns; of each file, what was deleted last.
            rev: Only what this commit deleted.
            to: Another folder to write to.

        Raises:
            UsageError: Nothing of such a name was deleted.
        """
        settings, clock = self._settings(), self._surroundings.clock
        named = named_in(paths, settings)
        if not named:
            raise UsageError("no path is named", fix='"." stands for all that was deleted')
        began = clock.monotonic()
        elsewhere = None if to is None else Path(to).absolute()
        options = UndeleteOptions(named, rev, elsewhere)
        report = run_undelete(settings, self._surroundings, options, _agree, Silent())
        if report is None:
            raise AssertionError
        return restore_of(report, clock.monotonic() - began)

    def undo(
        self, rev: str | None = None, *, message: str = "", allow_mass_delete: bool = False
    ) -> UndoResult:
        """Publish the inverse of a commit, for everyone; an undo can be undone.

        What was changed since the commit is left alone.

        Args:
            rev: The commit; `None` for the newest of one's own, or the latest.
            message: Why, for the log.
            allow_mass_delete: Whether the guard is passed.

        Raises:
            UsageError: There is no such commit.
            GuardError: More than half of the files would go.
        """
        clock = self._surroundings.clock
        began = clock.monotonic()
        options = UndoOptions(rev, message, allow_mass_delete=allow_mass_delete)
        report = run_undo(self._settings(), self._surroundings, options, _agree, Silent())
        return undo_of(report, clock.monotonic() - began)

    def tag(
        self, name: str, rev: str = "@", message: str | None = None, *, move: bool = False
    ) -> Tag:
        """Give a commit a name, for everyone.

        Args:
            name: The name.
            rev: The commit.
            message: Why.
            move: Whether the name may be taken from another commit.

        Raises:
            UsageError: The name is in use or cannot be one, or there is no such commit.
        """
        settings = self._settings()
        return tag_of(set_tag(settings, self._surroundings, name, rev, message, move=move).tag)

    def untag(self, name: str) -> Tag:
        """Take a name back, for everyone, and return what it was; the commit stays.

        Raises:
            UsageError: There is no such tag.
        """
        return tag_of(remove_tag(self._settings(), self._surroundings, name).tag)

    def pin(self, rev: str | None = None) -> Pin:
        """Write `cas-sync.lock`: which version of the data the code beside it was written for.

        Args:
            rev: The version; `None` is the one that the data folder holds.

        Raises:
            GuardError: The folder holds changes that were never published.
        """
        return pin_of(run_pin(self._settings(), self._surroundings, rev, Silent()))

    def reset(
        self,
        confirm: bool = False,  # noqa: FBT001, FBT002 - reset(True) is what people type
        *,
        remote: bool = True,
        local: bool = True,
        even_if_incomplete: bool = False,
    ) -> ResetResult:
        """Remove `.S3` here and under the prefix, or tell what would go; files stay.

        Args:
            confirm: Whether to do it.
            remote: Whether the prefix is meant.
            local: Whether the local `.S3` is meant.
            even_if_incomplete: Whether to go on although files of the latest commit are not
                here; they are lost then.

        Raises:
            GuardError: Files of the latest commit are not here.
        """
        report = run_reset(
            self._settings(),
            self._surroundings,
            Silent(),
            confirm=confirm,
            remote=remote,
            local=local,
            even_if_incomplete=even_if_incomplete,
        )
        return reset_of(report, removed=confirm)


def project_in(
    path: PathLike, said: Config, connect: Callable[[StoreAddress], Bucket] = open_bucket
) -> Project:
    """Return the project that ``path`` is in.

    Args:
        path: A folder.
        said: What goes before all that files and the environment say.
        connect: Opens the store.

    Raises:
        NotAProjectError: Nothing names a store.
        ConfigError: The configuration says what cannot be.
    """
    folder = Path(path).absolute()
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    surroundings = Surroundings(env=os.environ, connect=connect)
    settings = load_settings(folder, said, surroundings.env)
    refuse_misplaced(settings)
    return Project(folder, said, surroundings)


def _agree(_: object) -> bool:
    return True
