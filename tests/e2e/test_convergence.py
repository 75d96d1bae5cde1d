"""Random histories of a small team: everybody ends with the same, and nothing is lost."""

import json
import os
import shutil
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given, note, settings
from hypothesis import strategies as st

from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.sync import SyncOptions, SyncReport, run_sync
from cas_sync.errors import OutcomeUnknownError, UnavailableError
from cas_sync.plan.step import OnConflict
from cas_sync.progress import Silent
from cas_sync.store.memory import MemoryBucket
from tests.support.engine import Agreeing
from tests.support.faulty import Call, Fault, FaultyBucket, SimulatedCrash
from tests.support.people import Instant, Person, settings_of, tree

# One is another's folder, so that files and folders take each other's names.
PATHS = ("a", "a/x", "a/x/y", "b", "b.c", "d/e")
EXAMPLES = 70 if settings.default.max_examples <= 100 else settings.default.max_examples


@dataclass(frozen=True)
class Write:
    who: int
    path: str
    content: int
    executable: bool = False


@dataclass(frozen=True)
class Delete:
    who: int
    path: str


@dataclass(frozen=True)
class Move:
    who: int
    path: str
    to: str


@dataclass(frozen=True)
class Sync:
    who: int
    policy: OnConflict = OnConflict.ASK
    fault: Fault | None = None
    at: int = 0
    push: bool = True
    pull: bool = True
    deletes: bool = True
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Want:
    """Somebody wants only a part from now on."""

    who: int
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ignore:
    """Somebody ignores a path from now on, and no other."""

    who: int
    path: str = ""


Step = Write | Delete | Move | Sync | Want | Ignore

people = st.integers(0, 3)
paths = st.sampled_from(PATHS)
policies = st.sampled_from(
    [OnConflict.ASK, OnConflict.KEEP_BOTH, OnConflict.MINE, OnConflict.THEIRS, OnConflict.FAIL]
)
writes = st.builds(Write, people, paths, st.integers(0, 4), st.booleans())
deletes = st.builds(Delete, people, paths)
moves = st.builds(Move, people, paths, paths)
parts = st.sampled_from([(), ("a",), ("b*",)])
syncs = st.builds(Sync, people, policies)
limits = st.builds(Want, people, parts) | st.builds(Ignore, people, st.just("") | paths)
partial_syncs = st.builds(
    Sync,
    people,
    policies,
    push=st.booleans(),
    deletes=st.booleans(),
    only=parts,
) | st.builds(Sync, people, policies, pull=st.just(False))
faulty_syncs = st.builds(
    Sync,
    people,
    policies,
    st.sampled_from(
        [
            Fault.FAIL_BEFORE,
            Fault.APPLY_THEN_FAIL,
            Fault.HOLD,
            Fault.CRASH_BEFORE,
            Fault.CRASH_AFTER,
        ]
    ),
    st.integers(0, 14),
)
histories = st.lists(
    writes | writes | deletes | moves | syncs | syncs | partial_syncs | faulty_syncs | limits,
    min_size=3,
    max_size=30,
)


@dataclass
class Team:
    """Some people and the bucket they share, in memory."""

    root: Path
    size: int
    bucket: MemoryBucket = field(default_factory=MemoryBucket)
    held: list[FaultyBucket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.people = [
            Person(self.root / f"p{i}", f"p{i}", "/in memory") for i in range(self.size)
        ]

    def do(self, step: Step) -> None:
        who = self.people[step.who % self.size]
        match step:
            case Write(_, path, content, executable):
                make_room(who, path)
                who.write(path, f"content {content}" * content, executable=executable)
            case Delete(_, path):
                remove(who, path)
            case Move(_, path, to):
                move(who, path, to)
            case Want(_, only):
                remember(who, only)
            case Ignore(_, path):
                who.state.mkdir(parents=True, exist_ok=True)
                (who.state / "ignore_remote.txt").write_text(f"{path}\n")
            case Sync():
                self.sync(step)

    def sync(self, step: Sync) -> None:
        who = self.people[step.who % self.size]
        had = set(tree(who.data).values())
        bucket = FaultyBucket(self.bucket, fault_at(step.fault, step.at))
        self.held.append(bucket)
        try:
            self.run(
                who,
                bucket,
                SyncOptions(
                    on_conflict=step.policy,
                    push=step.push,
                    pull=step.pull,
                    deletes=step.deletes,
                    only=step.only,
                    allow_mass_delete=True,
                ),
            )
        except (SimulatedCrash, UnavailableError, OutcomeUnknownError):
            if step.fault is None:
                raise
        self.insist_that_nothing_is_lost(had)

    def run(self, who: Person, bucket, options: SyncOptions) -> SyncReport:
        surroundings = Surroundings(
            env=who.env, clock=Instant(), machine="here", connect=lambda _: bucket
        )
        # One request at a time, and no race of probes, so that a history can be repeated.
        return run_sync(
            settings_of(who, jobs=1, writers="one"),
            surroundings,
            options,
            Agreeing(),
            Silent(),
        )

    def late_answers(self) -> None:
        """Let what was still on its way arrive now."""
        for bucket in self.held:
            bucket.release()

    def insist_that_nothing_is_lost(self, had) -> None:
        left = {data for data, _ in had}
        for each in self.people:
            left -= {data for data, _ in tree(each.data).values()} | each.kept()
        if left:
            with self.people[0].repository(lambda _: self.bucket) as stored:
                left -= stored.all_contents()
        assert not left

    def quiet_round(self) -> list[SyncReport]:
        options = SyncOptions(on_conflict=OnConflict.KEEP_BOTH, allow_mass_delete=True)
        return [self.run(each, self.bucket, options) for each in self.people]


def fault_at(fault: Fault | None, at: int):
    seen = []

    def decide(call: Call) -> Fault | None:
        seen.append(call)
        if fault is None or len(seen) != at + 1:
            return None
        # Only the head may land late: other requests are repeated until they are answered.
        return Fault.FAIL_BEFORE if fault is Fault.HOLD and call.method != "put_if" else fault

    return decide


def remember(who: Person, only: tuple[str, ...]) -> None:
    who.state.mkdir(parents=True, exist_ok=True)
    (who.state / "local.json").write_text(json.dumps({"only": only}))


def make_room(who: Person, path: str) -> None:
    target = who.data / path
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    for above in target.relative_to(who.data).parents:
        if (who.data / above).is_file():
            (who.data / above).unlink()


def remove(who: Person, path: str) -> None:
    target = who.data / path
    if target.is_dir():
        shutil.rmtree(target)
    elif target.exists():
        target.unlink()


def move(who: Person, path: str, to: str) -> None:
    source = who.data / path
    if not source.exists() or path == to or to.startswith(path + "/"):
        return
    aside = who.home / "aside"
    source.rename(aside)
    remove(who, to)
    make_room(who, to)
    (who.data / to).parent.mkdir(parents=True, exist_ok=True)
    aside.rename(who.data / to)


def play(size: int, history: list[Step], root: Path) -> None:
    team = Team(root, size)
    for step in history:
        note(str(step))
        team.do(step)
    final = [set(tree(each.data).values()) for each in team.people]
    team.late_answers()
    for n in range(size):
        team.do(Want(n))
        team.do(Ignore(n))
    team.quiet_round()
    team.quiet_round()
    trees = [tree(each.data) for each in team.people]

    assert all(each == trees[0] for each in trees)
    for had in final:
        team.insist_that_nothing_is_lost(had)
    for report in team.quiet_round():
        assert not report.published
        assert (report.downloaded, report.deleted_local) == (0, 0)
        assert (report.conflicts, report.skipped) == ([], {})
    assert [tree(each.data) for each in team.people] == trees
    assert all(each.leftovers() == [] for each in team.people)
    if not trees[0] and team.bucket.get(".S3/head") is None:
        return
    with team.people[0].repository(lambda _: team.bucket) as stored:
        rows = stored.versions()
        assert {path: stored.content(row.content) for path, row in rows.items()} == {
            path: data for path, (data, _) in trees[0].items()
        }
        assert stored.head.files == len(rows)
        assert stored.head.size == sum(row.content.size for row in rows.values())
        chain = list(stored.repo.commits.walk(stored.head))
        assert [commit.seq for _, commit in chain] == list(range(stored.head.seq, 0, -1))


@settings(max_examples=EXAMPLES)
@given(st.integers(2, 4), histories)
def test_everybody_ends_with_the_same_and_nothing_is_lost(size, history):
    with tempfile.TemporaryDirectory() as root:
        play(size, history, Path(os.path.realpath(root)))


def test_the_store_is_closed_by_whoever_opened_it(tmp_path):
    with closing(MemoryBucket()) as bucket:
        team = Team(tmp_path, 2, bucket)
        team.do(Write(0, "a", 1))
        team.quiet_round()

        assert tree(team.people[1].data) == tree(team.people[0].data)
