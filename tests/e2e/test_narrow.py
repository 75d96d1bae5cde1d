"""A plan made from what can differ is the plan made from everything."""

import os
import random
import shutil

import pytest

from cas_sync.engine import session as engine_session
from cas_sync.plan.survey import Survey
from cas_sync.worktree import sealed

NAMES = ["a", "b", "c", "A", "data", "Data", "é", "x,y", "=1", "log.txt", "z"]
SYNCS = int(os.environ.get("CAS_SYNC_NARROW", "120"))


@pytest.fixture
def compared(monkeypatch):
    """Make every plan from whole trees too, and insist that it is the same."""
    plan, seen = engine_session.Session.plan, {"narrow": 0, "steps": 0}

    def both(session, trees, rules, matches=None):
        made = plan(session, trees, rules, matches)
        if trees.narrowed is not None and matches is None:
            whole = plan(session, trees.narrowed.whole, rules)
            assert list(made.steps()) == list(whole.steps())
            assert told(made.survey) == told(whole.survey)
            rows = {row.path: row for row in whole.rows()}
            mine = {row.path: row for row in made.rows()}
            assert mine.items() <= rows.items()
            for step in made.steps():
                assert mine.get(step.path) == rows.get(step.path)
            seen["narrow"] += 1
            seen["steps"] += len(made.survey.steps)
        return made

    monkeypatch.setattr(engine_session.Session, "plan", both)
    return seen


def told(survey: Survey):
    """All that a survey says."""
    kept = {**vars(survey)}
    moves = [kept.pop("moves_there").n_lost, kept.pop("moves_here").n_lost]
    return kept, moves


def edit(chance, data):
    """Do one thing that people do."""
    files = [p for p in data.rglob("*") if p.is_file() and ".S3" not in p.parts]
    what = chance.random()
    if files and what < 0.25:
        chance.choice(files).unlink()
    elif files and what < 0.5:
        with chance.choice(files).open("ab") as out:
            out.write(chance.randbytes(3))
    elif what < 0.55 and (folders := [p for p in data.iterdir() if p.name != ".S3"]):
        target = chance.choice(folders)
        shutil.rmtree(target) if target.is_dir() else target.unlink()
    else:
        path = data.joinpath(*(chance.choice(NAMES) for _ in range(chance.randint(1, 3))))
        if any(each.is_file() for each in path.parents) or path.is_dir():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(chance.randint(0, 9)))


@pytest.mark.parametrize("seed", range(4))
def test_what_can_differ_is_all_that_differs(folder, compared, monkeypatch, seed):
    monkeypatch.setattr(sealed, "FEW", 12)  # written anew now and then
    chance = random.Random(seed)
    people = folder.team("ana", "ben")
    for person in people:
        person.data.mkdir(parents=True)
    for _ in range(SYNCS // 4):
        person = chance.choice(people)
        for _ in range(chance.choice([0, 1, 1, 2, 5])):
            edit(chance, person.data)
        strategy = chance.choice(["keep-both", "mine", "theirs"])
        person.run(
            "sync",
            "--yes",
            "--store",
            person.store,
            "--allow-mass-delete",
            f"--on-conflict={strategy}",
            exit=None,
        )

    assert compared["narrow"] > SYNCS // 40
    assert compared["steps"]
