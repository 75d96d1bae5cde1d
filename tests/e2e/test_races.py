"""Everybody syncs at once: nothing is lost, nothing happens twice, history is one chain."""

import os

import pytest

from tests.support.people import Person, tree

SLOW = pytest.mark.skipif(
    not os.environ.get("CAS_SYNC_SLOW"), reason="takes minutes; set CAS_SYNC_SLOW=1"
)
PEOPLE = 8


def sync_at_once(people: list[Person]) -> None:
    running = [(each, each.start("sync", "-y", "--json")) for each in people]
    ends = [(each, *process.communicate(), process.returncode) for each, process in running]
    for each, out, err, code in ends:
        assert code == 0, (each.name, out, err)


def race(place, rounds: int) -> None:
    people = place.team(*(f"p{i}" for i in range(PEOPLE)))
    written: dict[str, bytes] = {}
    for each in people:
        each.sync()  # only learns of the store: there is nothing yet
    for number in range(rounds):
        for each in people:
            path = f"{each.name}/{number}.txt"
            written[path] = f"{each.name} in round {number}".encode()
            each.write(path, written[path])
            own = f"shared/{each.name}.txt"
            written[own] = f"{each.name} {number}".encode() * (number + 1)
            each.write(own, written[own])
        sync_at_once(people)
    for each in people:
        each.sync()

    expected = {path: (data, False) for path, data in written.items()}
    for each in people:
        assert tree(each.data) == expected
    log = people[0].log()
    assert [entry["seq"] for entry in log] == list(range(len(log), 0, -1))
    assert [entry["parent"] for entry in log] == [entry["id"] for entry in log[1:]] + [None]
    assert len({entry["id"] for entry in log}) == len(log)
    assert len(log) == PEOPLE * rounds
    assert sum(entry["changes"]["added"] for entry in log) == len(written)
    assert sum(entry["changes"]["modified"] for entry in log) == PEOPLE * (rounds - 1)
    assert log[0]["files"] == len(written)
    assert log[0]["size"] == sum(map(len, written.values()))
    assert all(each.leftovers() == [] for each in people)
    assert people[0].sync()["published"] is False


def test_eight_people_at_once_lose_nothing_on_a_folder(folder):
    race(folder, 10)


@pytest.mark.s3
def test_eight_people_at_once_lose_nothing_on_s3(s3):
    race(s3, 3)


@SLOW
@pytest.mark.slow
@pytest.mark.s3
def test_eight_people_ten_times_at_once_lose_nothing_on_s3(s3):
    race(s3, 10)


def test_eight_people_begin_one_repository_at_once(place):
    people = place.team(*(f"p{i}" for i in range(PEOPLE)))
    for each in people:
        each.write(f"by {each.name}", each.name)
    running = [each.start("sync", "-y", "--json", "--store", place.url) for each in people]
    for process in running:
        out, err = process.communicate()
        assert process.returncode == 0, (out, err)

    for each in people:
        each.sync()

    log = people[0].log()
    assert [entry["seq"] for entry in log] == list(range(PEOPLE, 0, -1))
    assert {entry["author"] for entry in log} == {each.name for each in people}
    for each in people:
        assert each.paths() == {f"by {other.name}" for other in people}


def test_everybody_changing_the_same_file_conflicts_and_loses_nothing(folder):
    people = folder.team(*(f"p{i}" for i in range(4)))
    people[0].write("table", "base")
    for each in people:
        each.sync()
    for each in people:
        each.write("table", f"by {each.name}")
    running = [
        each.start("sync", "-y", "--on-conflict", "keep-both", "--json") for each in people
    ]
    for process in running:
        out, err = process.communicate()
        assert process.returncode == 0, (out, err)

    for each in people:
        each.sync()

    contents = {data for data, _ in tree(people[0].data).values()}
    assert contents == {f"by {each.name}".encode() for each in people}
    assert all(tree(each.data) == tree(people[0].data) for each in people)


def test_two_syncs_in_one_folder_take_turns(folder):
    (ana,) = folder.team("ana")
    ana.write("x", "x")
    ana.sync()
    for i in range(50):
        ana.write(f"f{i}", str(i))

    sync_at_once([ana] * 4)

    assert [entry["seq"] for entry in ana.log()] == [2, 1]
    assert ana.log()[0]["changes"]["added"] == 50
