"""Whatever a commit held, and whatever was deleted or lost a conflict, can be brought back."""

import os
import random

import pytest

from cas_sync.plan import survey
from tests.support.people import tree

SEEDS = range(200) if os.environ.get("CAS_SYNC_SLOW") else range(5)
COMMITS = 25


class Team:
    """Two people at random, and all that was ever published by them.

    Attributes:
        trees: The shared tree by number of commit.
        lost: By number of commit and path, our version where theirs was taken.
    """

    def __init__(self, place, seed):
        self.random = random.Random(seed)
        self.people = place.team("ana", "ben")
        self.trees = {0: {}}
        self.lost = {}
        self.bases = {person.name: {} for person in self.people}

    @property
    def seq(self):
        return max(self.trees)

    def run(self, n_commits):
        while self.seq < n_commits or not self.lost:
            person = self.random.choice(self.people)
            for _ in range(self.random.randint(1, 4)):
                self.change(person)
            if self.random.random() < 0.2:
                self.clash()
            if self.random.random() < 0.6:  # else both go on side by side
                self.sync(person)

    def change(self, person):
        here = sorted(person.paths())
        act = self.random.choice(["new", "new", "edit", "edit", "delete", "rename", "folder"])
        if act == "new" or not here:
            person.write(self.name(), self.content(), executable=self.random.random() < 0.2)
            return
        path = self.random.choice(here)
        if act == "edit":
            person.write(path, self.content())
        elif act == "delete":
            person.delete(path)
        elif act == "rename":
            target = person.data / self.name()
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                (person.data / path).rename(target)
        else:
            top = path.partition("/")[0]
            person.delete(*(each for each in here if each.startswith(top + "/")))

    def clash(self):
        """Let both edit a file."""
        shared = sorted(set.intersection(*(person.paths() for person in self.people)))
        if shared:
            path = self.random.choice(shared)
            for person in self.people:
                person.write(path, self.content())
            for person in self.random.sample(self.people, 2):
                self.sync(person)

    def name(self):
        a, b, c = (self.random.randrange(n) for n in (3, 2, 6))
        return f"d{a}/s{b}/\u00fc {c}.txt"

    def content(self):
        size = self.random.choice([0, 1, 20, 300, 70_000])
        return self.random.randbytes(size)

    def sync(self, person):
        ours, base, theirs = tree(person.data), self.bases[person.name], self.trees[self.seq]
        lost = {
            path: ours[path]
            for path in ours.keys() & theirs.keys()
            if ours[path] != theirs[path] and base.get(path) not in (ours[path], theirs[path])
        }
        said = person.sync("--on-conflict", "theirs", "--allow-mass-delete")
        now = self.bases[person.name] = tree(person.data)
        if said["published"]:
            assert said["seq"] == self.seq + 1
            self.trees[said["seq"]] = now
            if lost:
                self.lost[said["seq"]] = lost
        else:
            assert not lost
            assert now == theirs

    def deleted_in(self, seq):
        """Return what a commit took out of the tree, and what lost a conflict in it."""
        before, after = self.trees[seq - 1], self.trees[seq]
        gone = {path: held for path, held in before.items() if path not in after}
        return gone | self.lost.get(seq, {})


@pytest.mark.parametrize("seed", SEEDS)
def test_every_commit_and_every_deletion_of_a_random_history_comes_back(folder, seed):
    team = Team(folder, seed)
    team.run(COMMITS)
    assert sum(len(team.deleted_in(seq)) for seq in range(1, team.seq + 1)) > 10
    eve = folder.person("eve")  # has nothing of it on her machine
    eve.run("init", "--store", eve.store, "-y")

    for seq in range(1, team.seq + 1):
        then = eve.home / f"then-{seq}"
        if team.trees[seq]:
            eve.run("restore", "--all", "--rev", f"#{seq}", "--to", str(then))
        assert tree(then) == team.trees[seq]
        gone, deleted = eve.home / f"gone-{seq}", team.deleted_in(seq)
        if deleted:
            eve.run("undelete", "--rev", f"#{seq}", "--to", str(gone))
        assert tree(gone) == deleted

    everything = {(row["path"], row["seq"]) for row in eve.run(
        "undelete", "--all", "--json"
    ).answer}  # fmt: skip
    assert {seq for _, seq in everything} == {
        seq for seq in range(1, team.seq + 1) if team.deleted_in(seq)
    }


def test_plans_that_are_too_long_to_be_kept_come_to_the_same(folder, monkeypatch):
    monkeypatch.setattr(survey, "KEPT", 2)

    test_what_is_gone_now_comes_back_at_once_as_it_was_last(folder, 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_gone_now_comes_back_at_once_as_it_was_last(folder, seed):
    team = Team(folder, 100 + seed)
    team.run(COMMITS)
    ana, ben = team.people
    for person in (ana, ben, ana):  # what both still have to publish
        team.sync(person)
    now, last = team.trees[team.seq], {}
    for seq in range(1, team.seq + 1):
        last |= team.deleted_in(seq)
    gone = {path: held for path, held in last.items() if path not in now}

    said = ana.run("undelete", ".", "--json").last

    assert said["downloaded"] == len(gone)
    assert tree(ana.data) == now | gone
    ana.sync()
    ben.sync()
    assert tree(ben.data) == now | gone
