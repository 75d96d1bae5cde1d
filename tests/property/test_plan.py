"""Laws of plans: carried out, both sides are the same, and nobody's content is gone."""

from hypothesis import given
from hypothesis import strategies as st

from cas_sync.model.paths import sort_key
from cas_sync.model.tree import Content, Entry, Found, Mode
from cas_sync.plan.ignore_rules import IgnoreRules, Rule
from cas_sync.plan.scope import Scope
from cas_sync.plan.step import Act, Answer, Declined, OnConflict, Verdict, seen
from cas_sync.plan.survey import take
from cas_sync.plan.sync_plan import Rules, decide_all, plan_sync, published, tree_change
from tests.support.samples import WHEN, oid

NAMES = ["a", "a/b", "a/c", "a.b", "A", "b", "b/a/c", "b/A/d", "c"]
WAITING = {Act.CONFLICT, Act.LEAVE, Act.SKIP}


def content(value):
    return Content(oid(str(value)), value, Mode.FILE)


def tree(names):
    """Return a tree that no folder contradicts: a file's name is no other's folder."""
    return {n: v for n, v in names.items() if not any(o.startswith(n + "/") for o in names)}


trees = st.dictionaries(st.sampled_from(NAMES), st.integers(1, 3)).map(tree)
policies = st.sampled_from(
    [OnConflict.KEEP_BOTH, OnConflict.MINE, OnConflict.THEIRS, OnConflict.ASK]
)


def entries(tree_):
    return [Entry(p, content(v), "Ben", WHEN) for p, v in sorted_by_path(tree_)]


def found(tree_):
    return [Found(p, content(v), 1) for p, v in sorted_by_path(tree_)]


def sorted_by_path(tree_):
    return sorted(tree_.items(), key=lambda each: sort_key(each[0]))


def rules(**more):
    scope = Scope()
    return Rules(ignores=scope.ignores, covers=scope.covers, author="Ana", **more)


def planned(base, ours, theirs, rules_):
    """Return the plan as the engine makes it: again, until no names clash."""
    sides = entries(base), found(ours), entries(theirs)
    while True:
        survey = take(decide_all(*sides, rules_))
        if set(survey.refused) <= set(rules_.refused) and survey.clashes <= rules_.clashes:
            return list(plan_sync(*sides, rules_)), survey
        rules_ = Rules(
            **{**vars(rules_), "refused": {**survey.refused, **rules_.refused},
               "clashes": rules_.clashes | survey.clashes}
        )  # fmt: skip


def shared_after(theirs, steps):
    after = {e.path: e.content for e in entries(theirs)}
    for step in steps:
        if (change := tree_change(step, "Ana")) is not None:
            row, copy = change
            after.pop(step.path, None)
            for each in (row, copy):
                if each is not None:
                    after[each.path] = each.content
    return after


def local_after(ours, steps):
    after = {f.path: f.content for f in found(ours)}
    for step in steps:
        if step.act in {Act.KEEP_BOTH, Act.SET_OURS_ASIDE}:
            after[step.copy] = after.pop(step.path)
        if step.act in {Act.DOWNLOAD, Act.TAKE_THEIRS, Act.KEEP_BOTH}:
            after[step.path] = step.theirs.content
        elif step.act is Act.DELETE_HERE:
            del after[step.path]
        elif step.act is Act.SET_THEIRS_ASIDE:
            after[step.copy] = step.theirs.content
    return after


@given(trees, trees, trees, policies)
def test_a_plan_makes_both_sides_the_same(base, ours, theirs, policy):
    steps, _ = planned(base, ours, theirs, rules(on_conflict=policy))

    here, there = local_after(ours, steps), shared_after(theirs, steps)

    waiting = {step.path for step in steps if step.act in WAITING}
    assert {p: c for p, c in here.items() if p not in waiting} == {
        p: c for p, c in there.items() if p not in waiting
    }


@given(trees, trees, trees, policies)
def test_no_content_of_anybody_is_gone(base, ours, theirs, policy):
    steps, _ = planned(base, ours, theirs, rules(on_conflict=policy))

    kept = {
        *local_after(ours, steps).values(),
        *shared_after(theirs, steps).values(),
        *map(content, base.values()),  # in history
        *map(content, theirs.values()),  # in history
        *filter(None, map(published, steps)),  # in the store, and named by a manifest
    }
    assert {*map(content, ours.values()), *map(content, theirs.values())} <= kept


@given(trees, trees, trees, policies)
def test_the_shared_tree_never_holds_a_file_and_a_folder_of_one_name(
    base, ours, theirs, policy
):
    steps, _ = planned(base, ours, theirs, rules(on_conflict=policy))

    after = shared_after(theirs, steps)

    assert not [p for p in after if any(other.startswith(p + "/") for other in after)]


@given(trees)
def test_nothing_is_planned_where_nothing_differs(tree_):
    assert planned(tree_, tree_, tree_, rules())[0] == []


@given(trees, trees, trees)
def test_steps_come_in_path_order(base, ours, theirs):
    at = [sort_key(step.path) for step in planned(base, ours, theirs, rules())[0]]

    assert at == sorted(set(at))


@given(trees, trees)
def test_without_a_base_nothing_is_ever_deleted(ours, theirs):
    steps, _ = planned({}, ours, theirs, rules(on_conflict=OnConflict.KEEP_BOTH))

    assert not [s for s in steps if s.act in {Act.DELETE_HERE, Act.DELETE_THERE}]


@given(trees, trees, trees)
def test_what_could_not_be_read_is_never_deleted(base, ours, theirs):
    seen = [f for f in found(ours) if not f.path.startswith("a/")]
    blind = Found("a", None, 1, "permission denied", subtree=True)
    seen = sorted([f for f in seen if f.path != "a"] + [blind], key=lambda f: sort_key(f.path))

    steps = list(plan_sync(entries(base), seen, entries(theirs), rules()))

    assert {s.act for s in steps if s.path == "a" or s.path.startswith("a/")} <= {Act.SKIP}


@given(trees, trees, trees)
def test_push_only_changes_nothing_here_and_pull_only_nothing_there(base, ours, theirs):
    pushed, _ = planned(base, ours, theirs, rules(pull=False))
    pulled, _ = planned(base, ours, theirs, rules(push=False))

    assert local_after(ours, pushed) == {f.path: f.content for f in found(ours)}
    assert shared_after(theirs, pulled) == {e.path: e.content for e in entries(theirs)}


@given(trees, trees, trees)
def test_ignored_paths_are_nobodys_business(base, ours, theirs):
    scope = Scope(IgnoreRules([Rule(".casignore", 1, "a*")]))
    hidden = Rules(ignores=scope.ignores, covers=scope.covers, author="Ana")

    steps = plan_sync(entries(base), found(ours), entries(theirs), hidden)

    touched = [s for s in steps if s.path.split("/")[0] in {"a", "a.b"}]
    assert {s.act for s in touched} <= {Act.IGNORED}


@given(trees, trees, trees)
def test_new_names_that_some_disk_takes_for_others_are_never_published(base, ours, theirs):
    if {"A", "a"} <= {p.split("/")[0] for p in theirs}:
        return  # somebody else's doing: it is there already
    steps, _ = planned(base, ours, theirs, rules(on_conflict=OnConflict.KEEP_BOTH))

    top = {p.split("/")[0] for p in shared_after(theirs, steps)}
    assert not {"A", "a"} <= top
    assert all(step.reason for step in steps if step.act is Act.SKIP)


# -- syncs that are asked for less than everything ----------------------------------------

wishes = st.fixed_dictionaries(
    {
        "push": st.booleans(),
        "pull": st.booleans(),
        "deletes": st.booleans(),
        "on_conflict": policies,
        "covers": st.sets(st.sampled_from(NAMES)).map(lambda left: lambda p: p not in left),
        "answer": st.builds(
            lambda taken, decided: (taken, decided),
            st.none() | st.sets(st.sampled_from(NAMES)),
            st.dictionaries(st.sampled_from(NAMES), st.sampled_from(Act)),
        ),
    }
)


def answered(answer, ours, theirs):
    """Return an answer that takes some paths and decides others, by what both sides hold."""
    taken, decided = answer
    here, there = ({p: content(v) for p, v in side.items()} for side in (ours, theirs))
    return Answer(
        takes=None if taken is None else lambda step: step.path in taken,
        verdicts={p: Verdict(act, here.get(p), there.get(p)) for p, act in decided.items()},
    )


def wished(wish, ours, theirs):
    answer = answered(wish["answer"], ours, theirs)
    return Rules(ignores=Scope().ignores, author="Ana", **{**wish, "answer": answer})


@given(trees, trees, trees, wishes)
def test_whatever_is_asked_for_no_file_has_the_name_of_a_folder(base, ours, theirs, wish):
    steps, _ = planned(base, ours, theirs, wished(wish, ours, theirs))

    after = shared_after(theirs, steps)

    assert not [p for p in after if any(other.startswith(p + "/") for other in after)]


@given(trees, trees, trees, wishes)
def test_whatever_is_asked_for_nobody_loses_content(base, ours, theirs, wish):
    steps, _ = planned(base, ours, theirs, wished(wish, ours, theirs))

    kept = {
        *local_after(ours, steps).values(),
        *shared_after(theirs, steps).values(),
        *map(content, base.values()),  # in history
        *map(content, theirs.values()),  # in history
        *filter(None, map(published, steps)),  # in the store, and named by a manifest
    }
    assert {*map(content, ours.values()), *map(content, theirs.values())} <= kept


@given(trees, trees, trees, wishes)
def test_what_was_left_out_is_left_alone(base, ours, theirs, wish):
    steps, _ = planned(base, ours, theirs, wished(wish, ours, theirs))

    outside = [step for step in steps if not wish["covers"](step.path)]
    assert {step.act for step in outside} <= {Act.LEAVE}
    if not wish["deletes"]:
        assert not [s for s in steps if s.act in {Act.DELETE_HERE, Act.DELETE_THERE}]
    if not wish["push"]:
        assert not [s for s in steps if tree_change(s, "Ana") is not None]


@given(trees, trees, trees, policies)
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(base, ours, theirs, policy):
    steps, _ = planned(base, ours, theirs, rules(on_conflict=policy))
    here, there = local_after(ours, steps), shared_after(theirs, steps)
    waiting = {step.path for step in steps if step.act in WAITING}
    was = {e.path: e.content for e in entries(base)}
    agreed = {p: c for p, c in there.items() if p not in waiting}
    agreed |= {p: was[p] for p in waiting if p in was}

    def rows(tree_):
        return [Entry(p, c, "Ben", WHEN) for p, c in sorted_by_path(tree_)]

    seen = [Found(p, c, 1) for p, c in sorted_by_path(here)]
    again = list(plan_sync(rows(agreed), seen, rows(there), rules()))

    assert {step.path for step in again} <= waiting


@given(trees, trees, trees, st.sets(st.sampled_from(NAMES)))
def test_what_was_declined_is_quiet_until_either_side_changes(base, ours, theirs, taken):
    sides = entries(base), found(ours), entries(theirs)
    said = rules(answer=Answer(takes=lambda step: step.path in taken))
    steps = list(plan_sync(*sides, said))
    refusals = [
        Declined(step.path, seen(step.our_content), seen(step.their_content))
        for step in steps
        if step.act is Act.DECLINED
    ]
    refused = {each.path for each in refusals}
    quiet = rules(declined=lambda: refusals)

    assert {s.path for s in plan_sync(*sides, quiet) if s.act is Act.DECLINED} == refused
    again = rules(declined=lambda: refusals, reconsider=True)
    assert list(plan_sync(*sides, again)) == list(plan_sync(*sides, rules()))
    edited = found({p: (v + 10 if p in refused else v) for p, v in ours.items()})
    after = plan_sync(sides[0], edited, sides[2], quiet)
    assert not {s.path for s in after if s.act is Act.DECLINED} & ours.keys()


@given(trees, trees, trees, st.sets(st.sampled_from(NAMES)))
def test_what_was_not_taken_changes_nothing_on_either_side(base, ours, theirs, taken):
    said = rules(answer=Answer(takes=lambda step: step.path in taken))
    steps, _ = planned(base, ours, theirs, said)

    here, there = local_after(ours, steps), shared_after(theirs, steps)

    for path in set(NAMES) - taken:
        assert here.get(path) == (content(ours[path]) if path in ours else None)
        assert there.get(path) == (content(theirs[path]) if path in theirs else None)
