"""A store that goes back is noticed by whoever has seen more, before anything is done."""

from pathlib import Path

import pytest

from cas_sync.formats import documents, keys
from cas_sync.model.ids import ObjectId


def seen_three(folder):
    """Return somebody who has seen three commits, and the head as it was at each."""
    (ana,) = folder.team("ana")
    heads = []
    for n in range(3):
        ana.write("a.csv", f"version {n}")
        ana.sync()
        heads.append((Path(folder.url) / keys.HEAD).read_bytes())
    return ana, heads


def put_head(folder, data):
    head = Path(folder.url) / keys.HEAD
    head.chmod(0o644)
    head.write_bytes(data)


@pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("sync", "-n"),
        ("sync", "-y"),
        ("sync", "-y", "--pull-only"),
        ("undo", "-y"),
        ("gc",),
    ],
)
def test_an_older_head_is_noticed(folder, command):
    ana, heads = seen_three(folder)
    put_head(folder, heads[1])
    ended = ana.run(*command, exit=8)
    assert "error[E212]" in ended.stderr
    assert "went back" in ended.stderr
    assert ana.read("a.csv") == b"version 2"


@pytest.mark.parametrize("seq", [3, 4])
def test_a_forked_history_is_noticed_whatever_its_recent_list_says(folder, seq):
    ana, heads = seen_three(folder)
    head = documents.load_head(heads[2])
    # Somebody rewrote the last commit, and says that the one seen here never was.
    other = tuple(ObjectId.of(f"forged {n}".encode()) for n in range(seq))
    forged = head._replace(seq=seq, commit=other[0], recent=other)
    put_head(folder, documents.dump_head(forged))
    ended = ana.run("sync", "-y", exit=None)
    assert ended.exit in {8, 9}, ended
    assert "error[E" in ended.stderr
    assert ana.read("a.csv") == b"version 2"


def test_a_chain_that_was_cut_is_noticed_by_who_reads_it(folder):
    ana, heads = seen_three(folder)
    first = documents.load_head(heads[0]).commit
    (Path(folder.url) / keys.commit(1, first)).unlink()
    bo = folder.person("bo")
    bo.run("sync", "-y", "--store", bo.store)
    assert "error[E501]" in bo.run("log", exit=9).stderr
    assert bo.run("fsck", exit=9).exit == 9
    assert ana.read("a.csv") == b"version 2"
