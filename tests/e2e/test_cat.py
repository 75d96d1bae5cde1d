"""`cat` prints the bytes of any version, and nothing else."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from cas_sync.engine.at_revision import Named
from cas_sync.engine.look import read_files
from cas_sync.engine.surroundings import Surroundings
from tests.e2e.test_memory import peak
from tests.support.history import publish
from tests.support.people import settings_of
from tests.support.samples import ODD_NAMES, noise

BIG = noise("big", 3_000_000)

CONTENTS = {
    "empty": b"",
    "one": b"x",
    "text": b"a,b\r\n1,2\n",
    "every-byte": bytes(range(256)) * 3,
    "no-text": b"\xff\xfe\x00\n",
    "sub/zeros": b"\0" * 100_000,
    "sub/big.bin": BIG,
}

POSIX = pytest.mark.skipif(os.name == "nt", reason="redirects as a POSIX shell has them")
FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is full")


def with_files(place):
    ana = place.person("ana")
    for path, data in CONTENTS.items():
        ana.write(path, data)
    ana.sync()
    return ana


@pytest.fixture
def ana(folder):
    return with_files(folder)


def shell(person, line):
    """Run a line of a shell in which ``$CS`` is the command line."""
    env = {**person.env, "CS": f"{sys.executable} -m cas_sync"}
    return subprocess.run(
        ["bash", "-c", line], cwd=person.project, env=env, capture_output=True, check=False
    )


def damage(person, content):
    """Change a byte of one stored content."""
    with person.repository() as stored:
        row = stored.versions()[content]
        where = stored.reader.locate(row.content)
        if where.kind.name != "CHUNK":
            groups = stored.reader.chunks(where, row.content)
            where = stored.reader.find(list(groups)[-1][-1].id, type(where.kind).CHUNK)
    pack = person.home.parent / f"store/.S3/objects/packs/{where.pack}.pack"
    data = bytearray(pack.read_bytes())
    data[where.offset + where.stored // 2] ^= 1
    pack.chmod(0o644)
    pack.write_bytes(data)


def test_every_byte_comes_out_as_it_went_in(place):
    ana = with_files(place)

    for path, data in CONTENTS.items():
        assert ana.run("cat", path).printed == data
    said = shell(ana, "$CS cat every-byte text")
    assert (said.stdout, said.stderr) == (CONTENTS["every-byte"] + CONTENTS["text"], b"")


def test_any_revision_is_printed_and_several_after_each_other(ana):
    ana.write("text", "newer\n")
    ana.sync()

    assert ana.run("cat", "text").printed == b"newer\n"
    assert ana.run("cat", "@~1:text").printed == CONTENTS["text"]
    both = ana.run("cat", "#1:text", "text", "@~1:one")
    assert both.printed == CONTENTS["text"] + b"newer\n" + b"x"


def test_odd_names_are_names_like_any_other(folder):
    ana = folder.person("ana")
    names = [name for name in ODD_NAMES if sys.platform != "win32" or '"' not in name]
    for name in names:
        ana.write(name, f"in {name}")
    ana.sync()

    for name in names:
        assert ana.run("cat", name).printed == f"in {name}".encode()
        assert ana.run("cat", f"@:{name}").printed == f"in {name}".encode()


@pytest.mark.parametrize("path", ["every-byte", "sub/zeros", "sub/big.bin"])
@pytest.mark.parametrize(
    "span", ["0-0", "0-", "5-9", "700-", "-1", "-700", "100-99999999999", "-99999999999"]
)
def test_a_range_is_the_bytes_that_http_would_send(ana, path, span):
    data = CONTENTS[path]
    first, last = span.split("-")
    expected = data[int(first) : int(last or len(data)) + 1] if first else data[-int(last) :]

    assert ana.run("cat", "--range", span, path).printed == expected


@pytest.mark.parametrize(
    ("path", "span"), [("one", "1-"), ("one", "1-5"), ("empty", "0-"), ("one", "-0")]
)
def test_a_range_without_a_byte_is_refused(ana, path, span):
    said = ana.run("cat", "--range", span, path, exit=2)

    assert said.printed == b""
    assert "bytes, and none in the range" in said.stderr


@pytest.mark.parametrize("span", ["", "5", "a-b", "9-5", "-", "1-2-3", "0-1,4-5"])
def test_a_range_that_is_none_is_refused(ana, span):
    said = ana.run("cat", "--range", span, "text", exit=2)

    assert "--range" in said.stderr
    assert said.printed == b""


def test_a_range_of_a_large_file_reads_the_chunks_that_cover_it(ana):
    shutil.rmtree(ana.home / "cache")

    said = ana.run("cat", "--range", "1500000-1500099", "sub/big.bin", "-v")

    assert said.printed == BIG[1_500_000:1_500_100]
    received = said.stderr.split(", ")[1]
    assert "KiB" in received
    assert float(received.split()[0]) < 600  # a chunk is at most 512 KiB


def test_one_file_of_many_is_few_requests(folder):
    ana = folder.person("ana")
    publish(ana, [{f"d{n // 100:03d}/{n:05d}.csv": b"%d" % n for n in range(20_000)}])
    (ana.project / "cas-sync.json").write_text(json.dumps({"store": folder.url}))
    with ana.repository() as stored:
        levels = stored.head.versions.level + 1
        roots = len(stored.head.index_roots)
    shutil.rmtree(ana.home / "cache")

    said = ana.run("cat", "d077/07777.csv", "-v")

    assert said.printed == b"7777"
    n_requests = int(said.stderr.split(" request")[0])
    assert (levels, roots) == (2, 1)
    amount, unit = said.stderr.split(", ")[1].split()[:2]
    assert unit == "KiB"
    assert float(amount) < 300  # all of the index is 1 MB
    # The head, a page a level, where it lies (parts of a large index), its bytes.
    assert n_requests <= 1 + levels + 2 + 1


def test_nothing_is_printed_before_all_files_are_found(ana):
    said = ana.run("cat", "one", "text", "sub/bigg.bin", exit=2)

    assert said.printed == b""
    assert "near it: sub/big.bin" in said.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_folders_and_links_are_no_files(ana):
    (ana.data / "to").symlink_to("one")
    ana.sync()

    (typed,) = re.findall(r"cas-sync ls (\S+)", ana.run("cat", "sub", exit=2).stderr)
    assert "sub/big.bin" in ana.run("ls", typed).stdout
    assert "is a link" in ana.run("cat", "to", exit=2).stderr
    assert "is a folder" in ana.run("cat", "@:", exit=2).stderr


def test_bytes_are_not_json_and_the_answer_says_so_in_json(ana):
    said = ana.run("cat", "one", "--json", exit=2)

    assert said.last["event"] == "error"
    assert "cas-sync get --json" in said.last["fix"]


def test_damage_is_told_and_no_damaged_byte_is_printed(ana):
    damage(ana, "every-byte")

    said = ana.run("cat", "one", "every-byte", exit=9)

    assert said.printed == CONTENTS["one"]
    assert "damaged" in said.stderr


def test_damage_on_the_way_is_told_with_how_much_was_printed(ana):
    huge = noise("huge", 20_000_000)
    ana.write("huge", huge)
    ana.sync()
    damage(ana, "huge")

    said = ana.run("cat", "one", "huge", exit=9)

    n_printed = len(said.printed) - 1
    assert 0 < n_printed < len(huge)
    assert said.printed == b"x" + huge[:n_printed]
    assert f"what was written so far is incomplete: {n_printed:,} bytes of huge" in said.stderr


@POSIX
def test_whoever_has_read_enough_is_no_error(ana):
    said = shell(ana, "$CS cat sub/big.bin | head -c 5 | wc -c; echo ${PIPESTATUS[0]}")

    assert (said.stdout.split(), said.stderr) == ([b"5", b"0"], b"")


def test_reading_ends_when_nobody_wants_more(ana):
    settings, surroundings = settings_of(ana), Surroundings(env=ana.env)
    pieces = []

    def take_one(data):
        pieces.append(data)
        return False

    done = read_files(settings, surroundings, [Named("@", "sub/big.bin")] * 2, take_one)

    assert len(pieces) == 1
    assert done.n_shown == len(pieces[0]) < len(BIG)


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="nobody says what a child used")
def test_a_large_file_takes_no_more_memory_than_a_middling_one(folder):
    ana = folder.person("ana")
    ana.write("middling", noise("middling", 24 << 20))
    ana.write("large", noise("large", 120 << 20))
    ana.sync()

    most = peak(ana, "cat", "middling") + (40 << 20)
    assert peak(ana, "cat", "large") < most
    assert peak(ana, "cat", "--range", "9-", "large") < most


@FULL
def test_a_full_disk_is_told(ana):
    said = shell(ana, "$CS cat sub/big.bin > /dev/full")

    assert said.returncode == 8
    assert b"error[E207]" in said.stderr
    assert b"Traceback" not in said.stderr


def test_a_terminal_is_shown_text_and_spared_the_rest(ana):
    ana.write("notes", "plain, ünïcödé\tand more\n")
    ana.write("evil", "hello\x1b]0;gotcha\x07\n")
    ana.sync()

    with ana.terminal("cat", "notes") as t:
        t.end(exit=0)
    assert "plain, ünïcödé" in t.transcript
    for path in ("evil", "every-byte"):
        with ana.terminal("cat", path) as t:
            t.end(exit=2)
        assert "not text" in t.transcript
        assert "hello" not in t.transcript
    with ana.terminal("cat", "evil", "--force") as t:
        t.end(exit=0)
    assert "hello" in t.transcript
