"""Random journeys of a small team through its history: every command that goes back in time.

Undo, undelete, restore and `sync --locked` between edits, syncs of every kind, races and
kills at any moment: nothing is lost, nothing is invented, nobody publishes what they did not
change, and everybody ends with the same.
"""

import os
import pickle
import random
import shutil
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cas_sync.engine.asking import Asker, Question
from cas_sync.engine.restore import RestoreOptions, run_restore
from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.sync import run_sync
from cas_sync.engine.sync_report import SyncOptions, SyncReport, Target
from cas_sync.engine.undelete import UndeleteOptions, run_undelete
from cas_sync.engine.undo import run_undo
from cas_sync.engine.undo_report import UndoOptions
from cas_sync.errors import GuardError, UsageError
from cas_sync.formats.lock_file import Lock
from cas_sync.model.commit import Commit
from cas_sync.plan.conflict import SET_ASIDE
from cas_sync.plan.step import Answer, OnConflict, Step
from cas_sync.progress import Silent
from cas_sync.store.memory import MemoryBucket
from tests.e2e.test_convergence import make_room, remember, remove
from tests.support.engine import Agreeing
from tests.support.people import Instant, Person, settings_of, tree

N_JOURNEYS = int(os.environ.get("CAS_SYNC_JOURNEYS", "5"))
SEED = int(os.environ.get("CAS_SYNC_SEED", "20261122"))
STEPS = int(os.environ.get("CAS_SYNC_STEPS", "30"))

# One is another's folder, so that files and folders take each other's names.
PATHS = ("a", "a/x", "a/x/y", "b", "b.c", "d/e", "d/f", "g")
POLICIES = tuple(OnConflict)
KILLED = 9


@dataclass
class Journey:
    """Some people, the bucket they share, and all that was ever done.

    Attributes:
        root: Holds all of it.
        seed: Decides everything but the names of stored objects.
        said: What was done, for whoever has to understand a failure.
        places: By content, the paths at which somebody put it.
        dirty: By person, the paths they changed since their last sync.
        known: Every content that any commit named.
        changed: By number of a commit, the paths it changed.
    """

    root: Path
    seed: int
    said: list[str] = field(default_factory=list)
    places: dict[bytes | str, set[str]] = field(default_factory=dict)
    known: set[bytes | str] = field(default_factory=set)
    changed: dict[int, set[str]] = field(default_factory=dict)
    n_killed: int = 0
    rival: Callable[[], object] | None = None
    number: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.bucket = MemoryBucket()
        self.people = [Person(self.root / f"p{i}", f"p{i}", "/in memory") for i in range(3)]
        self.dirty: dict[str, set[str]] = {each.name: set() for each in self.people}

    def go(self, n_steps: int) -> None:
        """Do so many things, then come to rest."""
        actions = [
            *[self.write] * 6,
            *[self.delete, self.move, self.copy, self.swap, self.chmod] * 2,
            *[self.sync] * 6,
            self.partial_sync,
            *[self.restore, self.undelete, self.undo, self.locked] * 2,
            self.want,
        ]
        for _ in range(n_steps):
            who = self.random.choice(self.people)
            self.random.choice(actions)(who)
        self.rest()

    # -- what people do to their files ----------------------------------------------

    def write(self, who: Person) -> None:
        path = self.random.choice(PATHS)
        self.make_room(who, path)
        self.number += 1
        text = f"{self.number} by {who.name}\n".encode()
        data = self.random.choice([text, text, text * 9000, b"", b"same"])
        if self.random.random() < 0.1:
            (who.data / path).parent.mkdir(parents=True, exist_ok=True)
            (who.data / path).unlink(missing_ok=True)
            (who.data / path).symlink_to(f"to{self.number}")
        else:
            who.write(path, data, executable=self.random.random() < 0.2)
        self.touched(who, path)
        self.say(f"{who.name} writes {path} ({self.number})")

    def delete(self, who: Person) -> None:
        path = self.random.choice(PATHS)
        self.touched_below(who, path)
        remove(who, path)
        self.say(f"{who.name} deletes {path}")

    def move(self, who: Person) -> None:
        path, to = self.random.sample(PATHS, 2)
        if not (who.data / path).exists() or to.startswith(path + "/"):
            return
        self.touched_below(who, path, to)
        aside = who.home / "aside"
        (who.data / path).rename(aside)
        remove(who, to)
        self.make_room(who, to)
        if (who.data / to).is_symlink():
            (who.data / to).unlink()  # it leads nowhere
        (who.data / to).parent.mkdir(parents=True, exist_ok=True)
        aside.rename(who.data / to)
        self.touched_below(who, to)
        self.say(f"{who.name} moves {path} to {to}")

    def copy(self, who: Person) -> None:
        path, to = self.random.sample(PATHS, 2)
        source = who.data / path
        if source.is_file() and not source.is_symlink() and not to.startswith(path + "/"):
            data = source.read_bytes()
            self.make_room(who, to)
            who.write(to, data)
            self.touched(who, to)
            self.say(f"{who.name} copies {path} to {to}")

    def swap(self, who: Person) -> None:
        one, other = (who.data / path for path in self.random.sample(("b", "b.c", "g"), 2))
        if all(each.is_file() or each.is_symlink() for each in (one, other)):
            aside = who.home / "aside"
            one.rename(aside)
            other.rename(one)
            aside.rename(other)
            self.touched(who, one.name, other.name)
            self.say(f"{who.name} swaps {one.name} and {other.name}")

    def chmod(self, who: Person) -> None:
        path = self.random.choice(PATHS)
        target = who.data / path
        if target.is_file() and not target.is_symlink():
            target.chmod(target.stat().st_mode ^ 0o111)
            self.touched(who, path)
            self.say(f"{who.name} changes the mode of {path}")

    def make_room(self, who: Person, path: str) -> None:
        self.touched_below(who, path)
        parents = [parent.as_posix() for parent in Path(path).parents]
        for each in parents:
            if (who.data / each).is_symlink() or (who.data / each).is_file():
                self.dirty[who.name].add(each)
                (who.data / each).unlink()
        make_room(who, path)

    def touched(self, who: Person, *paths: str) -> None:
        """Note what lies at some paths now: somebody put it there."""
        here = tree(who.data)
        for path in paths:
            self.dirty[who.name].add(path)
            if path in here:
                self.places.setdefault(here[path][0], set()).add(path)

    def touched_below(self, who: Person, *paths: str) -> None:
        below = tuple(f"{path}/" for path in paths)
        self.touched(who, *paths, *(path for path in tree(who.data) if path.startswith(below)))

    # -- commands -------------------------------------------------------------------

    def sync(self, who: Person) -> None:
        policy = self.random.choice(POLICIES)
        options = SyncOptions(on_conflict=policy, allow_mass_delete=True)
        is_choosy = self.random.random() < 0.15
        asker = Choosy(self.random.random()) if is_choosy else Agreeing()
        what = f"sync {policy.value}{' choosing' if is_choosy else ''}"
        report = self.command(who, what, lambda: self.run(who, options, asker))
        self.settled(who, report)

    def settled(self, who: Person, report: SyncReport | None) -> None:
        """Forget what somebody changed, once it is published."""
        if report is not None and not (report.conflicts or report.skipped or report.refused):
            n_pending = report.survey.n_pending if report.survey else 0
            if not n_pending and not self.wants(who):
                self.dirty[who.name].clear()

    def partial_sync(self, who: Person) -> None:
        pull = self.random.random() < 0.7
        options = SyncOptions(
            paths=self.random.choice([(), ("a",), ("d", "g")]),
            push=not pull or self.random.random() < 0.3,
            pull=pull,
            deletes=self.random.random() < 0.7,
            on_conflict=self.random.choice(POLICIES),
            allow_mass_delete=True,
        )

        def run() -> SyncReport | None:
            try:
                return self.run(who, options)
            except UsageError:
                return None  # nothing of that name

        self.command(who, f"sync {options}", run)

    def restore(self, who: Person) -> None:
        rev = self.revision()
        if rev is None:
            return
        paths = self.random.choice([("",), ("a",), ("b",), ("d",), ("g",), ("b.c",)])
        before = tree(who.data)

        def run() -> object:
            options = RestoreOptions(paths, rev=rev.id)
            try:
                return run_restore(
                    settings_of(who, jobs=1, writers="one"),
                    self.surroundings(who),
                    options,
                    lambda _: True,
                    Silent(),
                )
            except UsageError:
                return None

        there = {
            path: seen for path, seen in self.tree_of(rev).items() if _is_below(path, paths)
        }
        # What is brought back counts as changed here, written or not, or killed half way.
        self.dirty[who.name] |= there.keys()
        report = self.command(who, f"restore {paths} {rev.seq}", run)
        if report is None or report.skipped or self.wants(who):
            return
        now = tree(who.data)
        assert {path: now.get(path) for path in there} == there
        assert {p for p in before if before[p] != now.get(p)} <= there.keys()
        if self.random.random() < 0.5:
            self.publish(who, there)

    def publish(self, who: Person, brought: dict) -> None:
        """Sync at once; what was brought back must not be taken back."""
        options = SyncOptions(on_conflict=OnConflict.MINE, allow_mass_delete=True)
        had = set(tree(who.data).values())
        # Alone: what a teammate publishes after the restore is newer than it.
        self.say(f"{who.name}: sync mine")
        report = self.run(who, options)
        self.insist(had)
        if not (report.skipped or report.declined):
            is_moved = report.survey is not None and report.survey.copies
            assert is_moved or brought.items() <= tree(who.data).items()
        self.settled(who, report)

    def undelete(self, who: Person) -> None:
        if not self.commits():
            return
        paths = self.random.choice([("",), ("a",), ("b",), ("d",), ("g",)])
        before = tree(who.data)

        def run() -> object:
            try:
                return run_undelete(
                    settings_of(who, jobs=1, writers="one"),
                    self.surroundings(who),
                    UndeleteOptions(paths),
                    lambda _: True,
                    Silent(),
                )
            except UsageError:
                return None

        ever = set().union(*self.changed.values())
        self.dirty[who.name] |= {path for path in ever if _is_below(path, paths)}
        self.command(who, f"undelete {paths}", run)
        now = tree(who.data)
        assert {path: now.get(path) for path in before} == before

    def undo(self, who: Person) -> None:
        rev = self.revision()
        if rev is None:
            return

        def run() -> object:
            try:
                return run_undo(
                    settings_of(who, jobs=1, writers="one"),
                    self.surroundings(who),
                    UndoOptions(rev=rev.id, allow_mass_delete=True),
                    lambda _: True,
                    Silent(),
                )
            except UsageError as error:
                if error.code != "E217":
                    raise
                return None  # what was there before it is not kept any more

        self.command(who, f"undo {rev.seq}", run)

    def locked(self, who: Person) -> None:
        rev = self.revision()
        if rev is None:
            return
        lock = Lock(rev.commit.repo_id, rev.oid, rev.seq)

        def run() -> SyncReport | None:
            try:
                return self.run(who, SyncOptions(target=Target(lock=lock)))
            except GuardError as error:
                if error.code != "E216":
                    raise
                return None

        report = self.command(who, f"locked {rev.seq}", run)
        if report is not None and not report.skipped and not self.wants(who):
            assert tree(who.data) == self.tree_of(rev)
            assert not report.published
            self.dirty[who.name].clear()

    def want(self, who: Person) -> None:
        only = self.random.choice([(), (), ("a", "b*")])
        remember(who, only)
        self.say(f"{who.name} wants {only}")

    def wants(self, who: Person) -> bool:
        return bool(settings_of(who, jobs=1, writers="one").only)

    def command(self, who: Person, what: str, run: Callable[[], object]):
        """Run a command, whole or killed at some moment, perhaps in a race; then insist."""
        had = set(tree(who.data).values())
        is_killed = self.random.random() < 0.25
        self.say(f"{who.name}: {what}{' (killed)' if is_killed else ''}")
        if self.random.random() < 0.15:
            self.rival = self.rival_of(who)
        report = self.killed(run) if is_killed else run()
        self.rival = None
        self.insist(had)
        return report

    def rival_of(self, who: Person) -> Callable[[], object]:
        """Return a teammate's sync, to be done when somebody is about to move the head."""
        other = self.random.choice([each for each in self.people if each is not who])
        options = SyncOptions(on_conflict=OnConflict.KEEP_BOTH, allow_mass_delete=True)
        self.say(f"... {other.name} syncs meanwhile")
        return lambda: self.run(other, options)

    def killed(self, run: Callable[[], object]) -> None:
        """Run a command in a process that is killed at some moment."""
        at = int(self.random.random() ** 2 * 3000)
        left = self.root / "left"
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                with _dying(at, lambda: left.write_bytes(pickle.dumps(self.bucket._objects))):
                    run()
                left.write_bytes(pickle.dumps(self.bucket._objects))
                code = 0
            except BaseException:
                traceback.print_exc()
                raise
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert code in {0, KILLED}
        self.n_killed += code == KILLED
        self.bucket._objects = pickle.loads(left.read_bytes())

    def run(self, who: Person, options: SyncOptions, asker: Asker | None = None) -> SyncReport:
        return run_sync(
            settings_of(who, jobs=1, writers="one"),
            self.surroundings(who),
            options,
            asker or Agreeing(),
            Silent(),
        )

    def surroundings(self, who: Person) -> Surroundings:
        bucket = self.bucket if self.rival is None else Racing(self.bucket, self.rival)
        self.rival = None
        return Surroundings(
            env=who.env, clock=Instant(), machine="here", connect=lambda _: bucket
        )

    # -- what must hold -------------------------------------------------------------

    def insist(self, had: set) -> None:
        """Insist that nothing was lost, invented, or published by whoever did not change it."""
        here = [tree(each.data) for each in self.people]
        for each in here:
            for path, (data, _) in each.items():
                at = self.places.get(data, set())
                assert path in at or SET_ASIDE in path, (path, data[:40])
        for commit, rows in self.news():
            paths = set(rows)
            self.changed[commit.seq] = paths
            if commit.message.startswith("undo #"):
                undone = int(commit.message[6:].split(":")[0].split()[0])
                assert paths <= self.changed[undone]
            elif not any(SET_ASIDE in path for path in paths):
                # A file whose name became a folder here may be set aside onto what is there.
                gave_way = {
                    path
                    for path, (data, _) in rows.items()
                    if data is None and any(each.startswith(f"{path}/") for each in paths)
                }
                assert paths - gave_way <= self.dirty[commit.author], (commit.seq, paths)
            self.known |= {data for data, _ in rows.values() if data is not None}
        left = {data for data, _ in had} - self.known
        for each, there in zip(self.people, here, strict=True):
            left -= {data for data, _ in there.values()}
            left -= each.kept() if left else set()
        if left:
            with self.people[0].repository(lambda _: self.bucket) as stored:
                left -= stored.all_contents()
        left -= {each for each in left if isinstance(each, str)}
        assert not left, [data[:40] for data in left]

    def news(self) -> Iterator[tuple[Commit, dict]]:
        """Yield the commits that nobody looked at yet, and what each changed."""
        if self.bucket.get(".S3/head") is None:
            return
        with self.people[0].repository(lambda _: self.bucket) as stored:
            new = []
            for _, commit in stored.repo.commits.walk(stored.head):
                if commit.seq in self.changed:
                    break
                new.append(commit)
            for commit in reversed(new):
                before = None
                if commit.parent is not None:
                    before = stored.repo.commits.read(commit.parent, commit.seq - 1).versions
                rows = {}
                for old, now in stored.repo.versions.diff(before, commit.versions):
                    data = None if now is None else _seen(stored, now)[0]
                    if (old and old.content) != (now and now.content):
                        rows[(old or now).path] = (data, None)
                yield commit, rows

    def commits(self) -> list["_Revision"]:
        if self.bucket.get(".S3/head") is None:
            return []
        with self.people[0].repository(lambda _: self.bucket) as stored:
            return [_Revision(oid, each) for oid, each in stored.repo.commits.walk(stored.head)]

    def revision(self) -> "_Revision | None":
        found = self.commits()
        return self.random.choice(found[: self.random.choice([2, 5, 50])]) if found else None

    def tree_of(self, rev: "_Revision") -> dict:
        with self.people[0].repository(lambda _: self.bucket) as stored:
            rows = stored.repo.versions.rows(rev.commit.versions)
            return {row.path: _seen(stored, row) for row in rows}

    def rest(self) -> None:
        """Let everybody sync until all is quiet, and insist that they have the same."""
        for each in self.people:
            remember(each, ())
        options = SyncOptions(
            on_conflict=OnConflict.KEEP_BOTH, allow_mass_delete=True, reconsider=True
        )
        had = set().union(*(tree(each.data).values() for each in self.people))
        for _ in range(3):
            for each in self.people:
                self.say(f"{each.name}: sync, at rest")
                report = self.run(each, options)
                self.insist(had)
                self.settled(each, report)
        trees = [tree(each.data) for each in self.people]
        assert all(each == trees[0] for each in trees)
        for each in self.people:
            report = self.run(each, options)
            assert not report.published
            assert (report.downloaded, report.deleted_local) == (0, 0)
            assert (report.conflicts, report.skipped) == ([], {})
            assert each.leftovers() == []
        if self.bucket.get(".S3/head") is not None:
            with self.people[0].repository(lambda _: self.bucket) as stored:
                found = {row.path: _seen(stored, row) for row in stored.versions().values()}
                assert found == trees[0]
                everything = stored.all_contents()
                assert {each for each in self.known if isinstance(each, bytes)} <= everything

    def say(self, what: str) -> None:
        self.said.append(what)


@dataclass(frozen=True)
class Choosy(Agreeing):
    """Says no to some of every plan."""

    seed: float = 0

    def apply(self, question: Question) -> Answer:
        del question
        return Answer(takes=self.takes)

    def takes(self, step: Step) -> bool:
        return random.Random(f"{step.path} {self.seed}").random() < 0.6


class Racing(MemoryBucket):
    """A bucket of which the head is moved by somebody else an instant earlier, once."""

    def __init__(self, bucket: MemoryBucket, rival: Callable[[], object]) -> None:
        super().__init__()
        self._objects, self._rival = bucket._objects, [rival]

    def put_if(self, key, data, expected):
        while self._rival:
            self._rival.pop()()
        return super().put_if(key, data, expected)


@dataclass(frozen=True)
class _Revision:
    oid: object
    commit: Commit

    @property
    def id(self) -> str:
        return self.oid.hex()

    @property
    def seq(self) -> int:
        return self.commit.seq


def _seen(stored, row) -> tuple[bytes | str, bool]:
    data, mode = stored.content(row.content), row.content.mode.name
    return (data.decode() if mode == "LINK" else data), mode == "EXEC"


def _is_below(path: str, paths: tuple[str, ...]) -> bool:
    return any(not each or path == each or path.startswith(f"{each}/") for each in paths)


@contextmanager
def _dying(at: int, last_words: Callable[[], object]) -> Iterator[None]:
    """End this process, without a word but the last, at its so-manieth call to the system."""
    n = 0

    def count(frame, event, arg) -> None:
        nonlocal n
        if event == "c_call":
            if getattr(arg, "__module__", None) != "posix":
                return
        elif not frame.f_code.co_filename.endswith(("folder.py", "memory.py")):
            return
        n += 1
        if n > at:
            sys.setprofile(None)
            last_words()
            os._exit(KILLED)

    threading.setprofile(count)
    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are killed between two calls")
@pytest.mark.parametrize("seed", range(SEED, SEED + N_JOURNEYS))
def test_wherever_a_team_goes_in_its_history_nothing_is_lost_or_invented(seed):
    root = Path(os.path.realpath(tempfile.mkdtemp()))
    journey = Journey(root, seed)
    try:
        journey.go(STEPS)
    except BaseException:
        print("\n".join(journey.said))
        raise
    finally:
        shutil.rmtree(root, ignore_errors=True)
