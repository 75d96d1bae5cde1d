"""Laws of undoing: only what the commit changed, never what was changed since, and back."""

from hypothesis import given
from hypothesis import strategies as st

from cas_sync.model.paths import fold, sort_key
from cas_sync.model.tree import Content, Entry, Mode
from cas_sync.plan.inverse import Seen, Turn, plan_inverse
from tests.support.samples import WHEN, oid

NAMES = ["a", "a/b", "a/c", "a.b", "A", "A/b", "b", "B", "b/a/c", "b/A/d", "b/a/D", "c", "é/x"]
PEOPLE = ["Ana", "Ben"]


def clashing(names):
    """Return whether some disk could not hold all of these names."""
    files, spelled = set(names), {}
    for name in names:
        parts = name.split("/")
        for depth in range(1, len(parts) + 1):
            path = "/".join(parts[:depth])
            if depth < len(parts) and path in files:
                return True
            if spelled.setdefault(fold(path), path) != path:
                return True
    return False


@st.composite
def trees(draw):
    """Return a tree as any sync leaves it: no two names clash."""
    tree = {}
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True)):
        if clashing([*tree, name]):
            continue
        value, mode = draw(st.integers(1, 3)), draw(st.sampled_from([Mode.FILE, Mode.EXEC]))
        who = draw(st.sampled_from(PEOPLE))
        tree[name] = Entry(name, Content(oid(str(value)), value, mode), who, WHEN)
    return tree


def diff(old, new):
    """Return what yields the rows that differ, as a manifest does."""
    paths = sorted({*old, *new}, key=sort_key)
    rows = [(old.get(p), new.get(p)) for p in paths if old.get(p) != new.get(p)]
    return lambda: iter(rows)


def content(tree, path):
    return tree[path].content if path in tree else None


def changed(old, new):
    return {p for p in {*old, *new} if content(old, p) != content(new, p)}


def planned(before, after, now, *, gone=(), asked=None, hindered=None):
    seen = Seen(
        diff(before, after),
        diff(after, now),
        hindered or {},
        None if asked is None else diff(after, asked),
    )
    return plan_inverse(seen, lambda each: each.id not in gone)


def carried_out(plan, now):
    """Return the tree that the commit makes of it."""
    result = dict(now)
    for each in plan.inverses():
        if each.acts:
            assert each.now == now.get(each.path)
            result.pop(each.path, None)
            if each.before is not None:
                result[each.path] = each.before
    return result


@given(trees(), trees(), trees())
def test_only_what_the_commit_changed_and_nobody_since_is_touched(before, after, now):
    plan = planned(before, after, now)
    result = carried_out(plan, now)

    touched = {p for p in {*now, *result} if now.get(p) != result.get(p)}
    assert touched <= changed(before, after)
    assert not touched & changed(after, now)
    assert all(result.get(p) == before.get(p) for p in touched)


@given(trees(), trees(), trees())
def test_every_path_the_commit_changed_is_told_of_once_and_in_order(before, after, now):
    told = [each.path for each in planned(before, after, now).inverses()]

    assert told == sorted(changed(before, after), key=sort_key)


@given(trees(), trees(), trees())
def test_all_that_can_be_undone_is(before, after, now):
    plan = planned(before, after, now)
    result = carried_out(plan, now)

    for each in plan.inverses():
        if each.turn is Turn.CANNOT:
            # Whatever it was refused for is true: it would clash with what is there.
            assert clashing([*result, each.path])
        elif content(after, each.path) == content(now, each.path):
            assert content(result, each.path) == content(before, each.path)


@given(trees(), trees(), trees())
def test_no_names_clash_afterwards(before, after, now):
    assert not clashing(carried_out(planned(before, after, now), now))


@given(trees(), trees())
def test_undone_at_once_the_tree_is_as_before(before, after):
    plan = planned(before, after, after)
    result = carried_out(plan, after)

    assert not plan.left
    assert {p: row.content for p, row in result.items()} == {
        p: row.content for p, row in before.items()
    }
    assert all(result[p] == before[p] for p in changed(before, after) & result.keys())


@given(trees(), trees(), trees())
def test_an_undo_undone_is_the_tree_there_was_to_the_last_row(before, after, now):
    undone = carried_out(planned(before, after, now), now)

    assert carried_out(planned(now, undone, undone), undone) == now


@given(trees(), trees(), trees(), trees())
def test_an_undo_undone_leaves_what_was_changed_in_between(before, after, now, later):
    undone = carried_out(planned(before, after, now), now)
    result = carried_out(planned(now, undone, later), later)

    for path in changed(undone, later):
        assert result.get(path) == later.get(path)


@given(trees(), trees(), trees(), trees())
def test_only_what_was_shown_is_done(before, after, asked, now):
    shown = planned(before, after, asked)
    plan = planned(before, after, now, asked=asked, hindered=shown.seen.hindered)

    agreed = {each.path: each.turn for each in shown.inverses() if each.acts}
    done = {each.path: each.turn for each in plan.inverses() if each.acts}
    assert done.items() <= agreed.items()
    assert not clashing(carried_out(plan, now))
    told = {each.path for each in plan.left}
    assert all(
        path in done or path in told or content(now, path) == content(before, path)
        for path in agreed
    )


@given(trees(), trees(), trees(), st.sets(st.integers(1, 3)))
def test_what_the_store_lost_is_left_and_told(before, after, now, lost):
    gone = {oid(str(value)) for value in lost}
    plan = planned(before, after, now, gone=gone)

    for each in plan.inverses():
        if each.acts and each.before is not None:
            assert each.before.content.id not in gone
    assert not clashing(carried_out(plan, now))
