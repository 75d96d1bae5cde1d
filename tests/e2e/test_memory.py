"""Memory does not grow with the size of a file or the number of files."""

import os
import subprocess
import sys

import pytest

from tests.support.people import OLD_NS, Person
from tests.support.samples import noise

pytestmark = pytest.mark.skipif(
    not hasattr(os, "wait4"), reason="nobody says what a child used"
)

slow = pytest.mark.skipif(
    not os.environ.get("CAS_SYNC_SLOW"), reason="takes minutes; set CAS_SYNC_SLOW=1"
)
MIB = 1 << 20


# A process begins with the peak of the one it was forked from, so a small one in between
# starts the command: this one may have grown large by now.
IN_BETWEEN = """
import os, sys
quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
pid = os.posix_spawn(sys.executable, sys.argv[1:], os.environ, file_actions=quiet)
_, status, used = os.wait4(pid, 0)
print(os.waitstatus_to_exitcode(status), used.ru_maxrss)
"""


def peak(person, *args):
    """Run a command in a process of its own; return the most memory it had, in bytes."""
    command = [sys.executable, "-m", "cas_sync", *args]
    said = subprocess.run(
        [sys.executable, "-S", "-c", IN_BETWEEN, *command],
        cwd=person.project,
        env=person.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
    )
    code, used = map(int, said.stdout.split())
    assert code == 0
    return used * (1 if sys.platform == "darwin" else 1024)


@pytest.fixture
def team(tmp_path):
    store = str(tmp_path / "store")
    return [Person(tmp_path / name, name, store) for name in ("small", "large", "reader")]


def large_file(person, size):
    person.data.mkdir()
    with open(person.data / "large.bin", "wb") as file:
        file.writelines(noise(f"{person.name} {i}", MIB) for i in range(size // MIB))
    os.utime(person.data / "large.bin", ns=(OLD_NS, OLD_NS))


def many_files(person, n):
    for i in range(n):
        folder = person.data / f"d{i % 100:02d}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{i:06d}.txt").write_text(f"{person.name} {i}")
        os.utime(folder / f"{i:06d}.txt", ns=(OLD_NS, OLD_NS))


@pytest.mark.parametrize(
    "size", [pytest.param(300 * MIB), pytest.param(4096 * MIB, marks=slow)]
)
def test_a_large_file_takes_no_more_memory_than_a_middling_one(team, size):
    small, large, reader = team
    large_file(small, 60 * MIB)
    large_file(large, size)

    little = peak(small, "sync", "-y", "--store", small.store + "-small")
    much = peak(large, "sync", "-y", "--store", large.store)
    read = peak(reader, "sync", "-y", "--store", reader.store)

    assert much < little + 60 * MIB
    assert max(much, read) < 400 * MIB
    assert (reader.data / "large.bin").stat().st_size == size


@pytest.mark.parametrize("n", [pytest.param(10_000), pytest.param(300_000, marks=slow)])
def test_many_files_stay_within_bounds(team, n):
    _, large, reader = team
    many_files(large, n)

    used = [
        peak(large, "sync", "-y", "--store", large.store),
        peak(large, "sync", "-y"),
        peak(reader, "sync", "-y", "--store", reader.store),
    ]

    assert max(used) < 400 * MIB
    assert sum(1 for _ in reader.data.glob("*/*.txt")) == n


def test_a_large_object_of_others_is_adopted_within_bounds(team):
    small, large, _ = team
    # Both larger than what is read ahead and on its way in packs.
    for person, size in ((small, 150 * MIB), (large, 630 * MIB)):
        person.store += f"-{person.name}"
        large_file(person, size)
        person.data.rename(person.store)

    little = peak(small, "sync", "-y", "--push-only", "--store", small.store)
    much = peak(large, "sync", "-y", "--push-only", "--store", large.store)

    # 480 MiB more to read; how packs and reads overlap makes some 60 MiB of difference.
    assert much < little + 110 * MIB
    assert much < 400 * MIB
    assert large.log()[0]["message"] == "adopt 1 file"
