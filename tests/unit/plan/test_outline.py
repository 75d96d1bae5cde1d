import tracemalloc

import pytest

from cas_sync.model.paths import sort_key
from cas_sync.model.tree import Content, Entry, Found, Mode
from cas_sync.plan.groups import Group, Phase, group_of, phase_of
from cas_sync.plan.outline import KNOWN, Outline
from cas_sync.plan.step import Act, Step
from tests.support.samples import WHEN, oid


def content(text, size=10):
    return Content(oid(text), size, Mode.FILE)


def upload(path, what="x", size=10, old=None):
    theirs = Entry(path, content(old), "Ben", WHEN) if old else None
    return Step(Act.UPLOAD, path, None, Found(path, content(what, size), 1), theirs)


def download(path, what="x", old=None):
    ours = Found(path, content(old), 1) if old else None
    return Step(Act.DOWNLOAD, path, None, ours, Entry(path, content(what), "Ben", WHEN))


def delete_there(path, what="x"):
    there = Entry(path, content(what), "Ben", WHEN)
    return Step(Act.DELETE_THERE, path, there, None, there)


def delete_here(path, what="x"):
    was = Entry(path, content(what), "Ben", WHEN)
    return Step(Act.DELETE_HERE, path, was, Found(path, content(what), 1), None)


def outline(steps, rows=15):
    ordered = sorted(steps, key=lambda step: sort_key(step.path))
    return Outline(ordered, group_of, tuple(Group), rows)


def rows(found):
    return [(row.group, row.path, row.n_files) for row in found.rows]


def test_few_files_are_named_one_by_one_and_numbered_through():
    found = outline([upload("b"), upload("a/x"), download("c"), delete_there("d")])

    assert [row.number for row in found.rows] == [1, 2, 3, 4]
    assert rows(found) == [
        (Group.UPLOAD, "a/x", 1),
        (Group.UPLOAD, "b", 1),
        (Group.DOWNLOAD, "c", 1),
        (Group.DELETE_THERE, "d", 1),
    ]
    assert found.totals[Group.UPLOAD] == (2, 20)


def test_a_long_folder_is_one_row_that_stands_for_its_files():
    steps = [upload(f"img/2026/{n}.png") for n in range(100)] + [upload("z.csv")]
    found = outline(steps)

    assert rows(found) == [(Group.UPLOAD, "img/2026/", 100), (Group.UPLOAD, "z.csv", 1)]
    assert {found.number_of(step) for step in steps[:100]} == {1}
    assert found.number_of(steps[100]) == 2
    assert found.rows[0].size == 1000


def test_what_fits_nowhere_is_in_the_last_row_of_its_group():
    steps = [upload(f"{n:03d}") for n in range(100)]
    found = outline(steps)

    assert len(found.rows) == 16
    assert (found.rows[-1].path, found.rows[-1].n_files, found.rows[-1].size) == ("", 85, 850)
    assert found.number_of(steps[14]) == 15
    assert found.number_of(steps[99]) == 16


def test_short_folders_are_opened_first():
    steps = [upload(f"big/{n}") for n in range(50)] + [upload(f"small/{n}") for n in range(5)]

    assert [path for _, path, _ in rows(outline(steps))] == [
        "big/", *(f"small/{n}" for n in range(5))
    ]  # fmt: skip


def test_a_whole_plan_names_every_file():
    steps = [upload(f"a/{n}/{m}") for n in range(20) for m in range(30)]

    found = outline(steps, None)

    assert len(found.rows) == 600
    assert len({found.number_of(step) for step in steps}) == 600


def test_a_step_of_another_kind_is_in_no_row():
    found = outline([upload("a")])

    assert found.number_of(download("a")) is None
    assert found.number_of(upload("b")) is None
    assert found.number_of(Step(Act.AGREE, "a", None, None, None)) is None


@pytest.mark.parametrize(
    ("came", "went"),
    [(upload("new", "same"), delete_there("old", "same")),
     (download("new", "same"), delete_here("old", "same"))],
)  # fmt: skip
def test_both_ends_of_a_rename_name_each_other(came, went):
    found = outline([came, went, upload("edit", "same", old="other")])

    assert found.other_end(came) == "old"
    assert found.other_end(went) == "new"


def test_an_edit_to_content_that_goes_elsewhere_is_no_rename():
    edit = upload("edit", "same", old="other")

    assert outline([edit, delete_there("old", "same")]).other_end(edit) is None


def test_memory_does_not_grow_with_the_plan():
    def plan(n):
        for i in range(n):
            yield upload(f"folder-{i // 10:07d}/file-{i}.csv", f"{i}")

    peaks = []
    for n in (2 * KNOWN, 8 * KNOWN):
        tracemalloc.start()
        found = Outline(plan(n), group_of, tuple(Group))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert sum(row.n_files for row in found.rows) == n
        assert found.totals[Group.UPLOAD][0] == n

    assert peaks[1] < 1.2 * peaks[0]


def test_every_change_is_asked_for_in_one_phase_of_the_seed():
    assert [
        phase_of(step)
        for step in (
            delete_there("a"), delete_here("a"), upload("a"), download("a"),
            upload("a", old="o"), download("a", old="o"),
        )
    ] == list(Phase)[:6]  # fmt: skip
    assert phase_of(Step(Act.CONFLICT, "a", None, None, None)) is None
