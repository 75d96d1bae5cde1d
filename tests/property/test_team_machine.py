"""A team that does anything in any order, against a model of plain sets and dicts.

Hypothesis draws what is done, and makes a failing story short. What must hold is what
`Journey` insists on after every command: nothing is lost, nothing is invented, nobody
publishes what they did not change; and at rest everybody has the same and one more sync
does nothing. Here collections, tags, checks, resets and wrong clocks are added to it.

`HYPOTHESIS_PROFILE=deep` tells thousands of stories. Clocks that are wrong are also compared
with clocks that are right: the same dice lead to the same trees and the same commits.
"""

import os
import random
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from cas_sync.engine.fsck import run_fsck
from cas_sync.engine.gc import GcOptions, run_gc
from cas_sync.engine.reset import run_reset
from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.sync_report import SyncOptions
from cas_sync.engine.tags import set_tag
from cas_sync.errors import GuardError
from cas_sync.formats.moments import read_time
from cas_sync.plan.step import OnConflict
from cas_sync.progress import Silent
from tests.e2e.test_journeys import PATHS, SEED, Journey
from tests.support.collecting import Later
from tests.support.people import OLD_NS, Person, settings_of, tree

YEARS = 3653
IS_DEEP = settings.default.max_examples > 100


@dataclass
class Team(Journey):
    """A journey with a janitor and wrong clocks.

    Attributes:
        days: By person, how many days their clock is ahead.
        tags: Numbers of commits, by the name somebody gave them.
    """

    days: dict[str, float] = field(default_factory=dict)
    tags: dict[str, int] = field(default_factory=dict)

    def surroundings(self, who: Person) -> Surroundings:
        """Give everybody the clock they have."""
        given = super().surroundings(who)
        return replace(given, clock=Later(days=self.days.get(who.name, 0)))

    def revision(self):
        """Choose among the commits of which the contents are kept."""
        found = [each for each in self.commits() if self.is_kept(each)]
        return self.random.choice(found) if found else None

    def is_kept(self, rev) -> bool:
        with self.people[0].repository(lambda _: self.bucket) as stored:
            return stored.repo.upkeep.in_force(stored.head).keeps(rev.seq, rev.oid)

    def touched(self, who: Person, *paths: str) -> None:
        """Let what they put there be as old as their clock says."""
        ahead = int(self.days.get(who.name, 0) * 86_400) * 10**9
        for path in paths:
            target = who.data / path
            if target.is_file() and not target.is_symlink():
                os.utime(target, ns=(OLD_NS + ahead, OLD_NS + ahead))
        super().touched(who, *paths)

    # -- what is added --------------------------------------------------------------

    def append(self, who: Person) -> None:
        self.rewrite(who, lambda data: data + b"more\n")

    def truncate(self, who: Person) -> None:
        self.rewrite(who, lambda data: data[: len(data) // 2])

    def rewrite(self, who: Person, change) -> None:
        path = self.random.choice(PATHS)
        target = who.data / path
        if target.is_file() and not target.is_symlink():
            who.write(path, change(target.read_bytes()))
            self.touched(who, path)
            self.say(f"{who.name} changes the length of {path}")

    def jump(self, who: Person) -> None:
        self.days[who.name] = self.random.choice([0, 1, 40, YEARS, -YEARS])
        self.say(f"{who.name}'s clock is {self.days[who.name]} days ahead")

    def tag(self, who: Person) -> None:
        rev = self.revision()
        if rev is not None:
            name = f"of-{who.name}"
            around = self.surroundings(who)
            set_tag(settings_of(who, writers="one"), around, name, rev.id, move=True)
            self.tags[name] = rev.seq
            self.say(f"{who.name} tags {rev.seq}")

    def collect(self, who: Person, days: int | None) -> None:
        """Let contents go; those of young, tagged and latest commits stay."""
        if not self.commits():
            return
        options = GcOptions(
            prune=True,
            keep_days=days,
            grace_days=0,
            repack=self.random.choice([1, 50]),
            force=True,
        )
        around = self.surroundings(who)
        is_killed = self.random.random() < 0.3
        self.say(f"{who.name}: gc {days}{' (killed)' if is_killed else ''}")
        before = [each for each in self.commits() if self.is_kept(each)]
        with self.people[0].repository(lambda _: self.bucket) as stored:
            horizon = stored.repo.upkeep.in_force(stored.head).horizon

        def run() -> None:
            run_gc(settings_of(who, jobs=1, writers="one"), around, options, Silent())

        if is_killed:
            self.killed(run)
        else:
            run()
        now = around.clock.now()
        for each in before:
            made = read_time(each.commit.time)
            is_young = days is None or (made is not None and made > now - timedelta(days=days))
            is_latest = each.seq == before[0].seq
            # Before the horizon only a tag keeps anything, and it may have been moved.
            is_young = is_young and each.seq >= horizon
            if is_young or is_latest or each.seq in self.tags.values():
                assert self.is_kept(each), each.seq
        with self.people[0].repository(lambda _: self.bucket) as stored:
            there = stored.all_contents()
        if days is None:
            was_kept = self.is_kept(before[-1]) and before[-1].seq == 1
            assert not was_kept or self.n_bytes() <= there
        self.known = {each for each in self.known if isinstance(each, str) or each in there}

    def n_bytes(self) -> set:
        return {each for each in self.known if isinstance(each, bytes)}

    def check(self, who: Person) -> None:
        if not self.commits():
            return
        found = run_fsck(
            settings_of(who, jobs=1, writers="one"),
            self.surroundings(who),
            Silent(),
            deep=True,
            repair=False,
        )
        assert (found.findings, found.lost) == ([], [])
        self.say(f"{who.name}: fsck")

    def reset(self, who: Person) -> None:
        """Remove the history, unless something is in it that is not here; all join again."""
        if not self.commits():
            return
        try:
            self.remove(who, remote=True)
        except GuardError:
            return
        self.say(f"{who.name}: reset")
        for each in self.people:
            self.remove(each, remote=False)
        self.changed, self.known, self.tags = {}, set(), {}
        for each in self.people:
            self.dirty[each.name] |= {*PATHS, *tree(each.data)}

    def remove(self, who: Person, *, remote: bool) -> None:
        run_reset(
            settings_of(who, jobs=1, writers="one"),
            self.surroundings(who),
            Silent(),
            confirm=True,
            remote=remote,
            local=not remote,
            even_if_incomplete=False,
        )


people = st.integers(0, 1)
dice = st.integers(0, 2**20).map(random.Random)
EDITS = ("write", "append", "truncate", "delete", "move", "copy", "swap", "chmod")
COMMANDS = ("sync", "sync", "partial_sync", "restore", "undelete", "undo", "locked", "want")
MINE = SyncOptions(on_conflict=OnConflict.MINE, allow_mass_delete=True)
UPKEEP = ("tag", "check", "jump", "reset")


class TeamMachine(RuleBasedStateMachine):
    """Two people, everything they may do, and rest at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(os.path.realpath(tempfile.mkdtemp()))
        self.team = Team(self.root, 0)
        self.team.people = self.team.people[:2]
        self.n_said = 0
        for n, each in enumerate((*self.team.people, *self.team.people)):
            self.act(n % 2, "write", random.Random(n))
            report = self.team.run(each, MINE)
            self.team.insist(set())
            self.team.settled(each, report)

    def act(self, who: int, what: str, dice, *more) -> None:
        self.team.random = dice
        getattr(self.team, what)(self.team.people[who], *more)
        for line in self.team.said[self.n_said :]:
            note(line)
        self.n_said = len(self.team.said)

    @rule(who=people, what=st.sampled_from(EDITS), dice=dice)
    def edit(self, who, what, dice):
        self.act(who, what, dice)

    @rule(who=people, dice=dice)
    def write(self, who, dice):
        self.act(who, "write", dice)

    @rule(who=people, dice=dice)
    def sync(self, who, dice):
        self.act(who, "sync", dice)

    @rule(who=people, what=st.sampled_from(COMMANDS), dice=dice)
    def command(self, who, what, dice):
        self.act(who, what, dice)

    @rule(who=people, what=st.sampled_from(UPKEEP), dice=dice)
    def look_after(self, who, what, dice):
        self.act(who, what, dice)

    @rule(who=people, dice=dice, days=st.sampled_from([0, None, 30]))
    def collect(self, who, dice, days):
        self.act(who, "collect", dice, days)

    def teardown(self):
        try:
            self.team.rest()
            if self.team.commits():
                self.team.check(self.team.people[0])
        finally:
            shutil.rmtree(self.root, ignore_errors=True)


TestTeam = TeamMachine.TestCase
TestTeam.settings = settings(
    max_examples=settings.default.max_examples if IS_DEEP else 10, stateful_step_count=30
)


class Unkilled(Team):
    """A journey on which nobody is killed, so that its dice alone say where it leads."""

    def killed(self, run) -> None:
        run()


def where_it_leads(root: Path, seed: int, days: dict[str, float]):
    """Return the tree everybody ends with, and what each commit changed."""
    team = Unkilled(root, seed, days=days)
    team.go(25)
    chain = [
        (rev.seq, each.author, each.changes, each.counts, each.files, each.size)
        for rev in team.commits()
        for each in [rev.commit]
    ]
    return tree(team.people[0].data), chain


@pytest.mark.parametrize("seed", range(SEED, SEED + (200 if IS_DEEP else 4)))
def test_clocks_that_are_wrong_by_ten_years_change_nothing_but_the_times(seed, tmp_path):
    right = where_it_leads(tmp_path / "right", seed, {})
    wrong = where_it_leads(tmp_path / "wrong", seed, {"p0": YEARS, "p1": -YEARS, "p2": 0.5})

    assert wrong == right
    assert right[1]
