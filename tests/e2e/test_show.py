"""One commit with its changes, and one version of a file."""

import json
import os
import re
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
from blake3 import blake3

from cas_sync.engine.show import open_commit, show_version
from cas_sync.engine.surroundings import Surroundings
from cas_sync.store.connect import open_bucket
from tests.support.history import publish
from tests.support.people import Instant, settings_of
from tests.support.told import told


def story(place):
    """Return Ana after a first sync, and one with a change of every kind."""
    (ana,) = place.team("Ana Ruiz")
    ana.write("clean/users.csv", "id\n" * 50)
    ana.write("raw/e.csv", "e" * 3000)
    ana.write("run.sh", "#!/bin/sh\n")
    ana.write("tmp.csv", "go")
    ana.sync("-m", "first sync")
    ana.write("clean/users.csv", "id\n" * 80)
    ana.write("run.sh", "#!/bin/sh\n", executable=True)
    ana.write("new.csv", "n" * 2048)
    ana.delete("tmp.csv")
    (ana.data / "raw/e.csv").rename(ana.data / "raw/events.csv")
    ana.sync("-m", "a bit of everything")
    return ana


@pytest.fixture
def ana(folder):
    return story(folder)


@pytest.fixture
def large(folder):
    """Return somebody with large commits, their folder empty."""
    (ana,) = folder.team("Ana")
    publish(
        ana,
        [
            {f"d/{n:04}": b"%d" % n for n in range(1000)},
            {f"d/{n:04}": None for n in range(30)}
            | {f"e/{n:04}": b"%d" % n for n in range(30)},
        ],
    )
    (ana.project / "cas-sync.json").write_text(json.dumps({"store": ana.store}))
    return ana


@pytest.mark.skipif(os.name == "nt", reason="there are no executable bits")
def test_a_commit_is_told_with_all_that_it_changed(place):
    ana = story(place)
    ana.run("tag", "v1")

    said = told(ana, "show")

    assert re.fullmatch(r"bytes \+2\.1 KiB \(.* new\); 4 files, 5\.2 KiB in all", said[7])
    del said[7]
    machine = ana.log()[0]["machine"]
    assert said == [
        "commit <2> #2",
        "parent <1>",
        f"author Ana Ruiz on {machine}",
        "time today (<time>)",
        "tags v1",
        "message a bit of everything",
        "changes +1 ~2 -1 >1",
        "",
        "~ clean/users.csv 150 B -> 240 B",
        "+ new.csv 2.0 KiB",
        "> raw/e.csv -> raw/events.csv 2.9 KiB",
        "~ run.sh mode 100644 -> 100755",
        "- tmp.csv 2 B",
    ]


def test_the_first_commit_has_no_parent(ana):
    said = told(ana, "show", "@~1")

    assert said[1] == "parent none: it is the first"
    assert "changes +4" in said
    assert "+ clean/users.csv 150 B" in said


def test_every_form_of_a_revision_is_taken(ana):
    ana.run("tag", "v1", "@~1")
    first = ana.log()[1]
    now = datetime.now(UTC) + timedelta(minutes=5)
    moment = now.isoformat(timespec="seconds").replace("+00:00", "Z")

    for rev in ("#1", "@~1", "v1", first["id"][:8], f"{moment}~1"):
        assert ana.run("show", rev, "--json").answer["seq"] == 1, rev
        named = ana.run("show", f"{rev}:clean/users.csv", "--json").answer
        assert (named["seq"], named["size"]) == (1, 150), rev
    assert ana.run("show", moment, "--json").answer["seq"] == 2


def test_many_changes_are_folded(large):
    folded = told(large, "show", "#1")
    whole = told(large, "show", "#1", "-v")

    assert folded[-1] == "... and 985 more (-v shows all)"
    assert [line for line in folded if line.startswith("+ ")] == [
        f"+ d/{n:04} {len(str(n))} B" for n in range(15)
    ]
    assert len([line for line in whole if line.startswith("+ ")]) == 1000
    assert told(large, "show", "#2")[-1] == "... and 15 more (-v shows all)"
    assert "changes >30" in told(large, "show", "#2")


def test_scripts_get_both_ends_of_a_rename(ana):
    answer = ana.run("show", "--json").answer

    assert {**ana.log()[0], "rows": answer["rows"]} == answer
    rows = {row["path"]: row for row in answer["rows"]}
    events = blake3(b"e" * 3000).hexdigest()
    assert list(rows) == sorted(rows)
    assert rows["raw/events.csv"] == {
        "path": "raw/events.csv",
        "change": "added",
        "old": "",
        "new": events,
        "old_size": None,
        "new_size": 3000,
        "renamed_from": "raw/e.csv",
    }
    assert (rows["raw/e.csv"]["change"], rows["raw/e.csv"]["renamed_to"]) == (
        "deleted",
        "raw/events.csv",
    )
    assert (rows["clean/users.csv"]["old_size"], rows["clean/users.csv"]["new_size"]) == (
        150,
        240,
    )


def test_what_is_no_revision_is_refused(ana):
    for rev in ("nope", "#9", "deadbeef", "@~7"):
        assert ana.run("show", rev, exit=2).stderr.startswith("error[E001]: "), rev


# -- one version ------------------------------------------------------------------------


def test_a_version_says_what_it_is_and_how_it_came(place):
    ana = story(place)
    ana.write("other", "x")
    ana.sync("-m", "something else")

    assert told(ana, "show", "@:raw/events.csv") == [
        "raw/events.csv at <3> (#3)",
        "size 2.9 KiB (3,000 bytes)",
        f"hash {blake3(b'e' * 3000).hexdigest()}",
        "mode 100644",
        "edited 13 Sep 2020 (<time>) by Ana Ruiz",
        "came in <2> (#2), renamed from raw/e.csv",
        "Ana Ruiz, today (<time>): a bit of everything",
    ]


def test_a_version_for_scripts(ana):
    answer = ana.run("show", "#1:clean/users.csv", "--json").answer

    assert answer.pop("came_in") == ana.log("clean/users.csv")[1]
    assert answer == {
        "path": "clean/users.csv",
        "hash": blake3(b"id\n" * 50).hexdigest(),
        "size": 150,
        "mode": "100644",
        "edited_by": "Ana Ruiz",
        "time_edited": "2020-09-13T12:26:40Z",
        "commit": ana.log()[1]["id"],
        "seq": 1,
    }


def test_a_path_alone_is_that_of_the_latest(ana):
    assert ana.run("show", "clean/users.csv", "--json").answer["size"] == 240


def test_a_version_of_long_ago_is_found(folder):
    (ana,) = folder.team("Ana")
    publish(
        ana, [{"a.csv": b"one"}, *({"b.csv": b"%d" % k} for k in range(90)), {"a.csv": b"two"}]
    )

    def came(rev):
        answer = ana.run("show", f"{rev}:a.csv", "--json", "--store", ana.store).answer
        return answer["came_in"]["seq"], answer["size"]

    assert came("@") == (92, 3)
    assert came("@~1") == came("@~80") == came("#1") == (1, 3)


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege")
def test_a_link_is_a_version_too(ana):
    (ana.data / "link").symlink_to("new.csv")
    ana.sync()

    assert ana.run("show", "@:link", "--json").answer["mode"] == "120000"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("clean", "clean is a folder"),
        ("clean/usres.csv", "near it: clean/users.csv"),
        ("tmp.csv", "there is no tmp.csv at"),
    ],
)
def test_what_is_no_file_at_a_revision_is_refused(ana, path, said):
    assert said in ana.run("show", f"@:{path}", exit=2).stderr


# -- what it costs ----------------------------------------------------------------------


def surroundings_of(person):
    buckets = []

    def connect(address):
        buckets.append(open_bucket(address))
        return buckets[-1]

    return Surroundings(env=person.env, clock=Instant(), connect=connect), buckets


def test_a_commit_takes_a_few_requests(folder):
    ana, ben = folder.team("Ana", "Ben")
    publish(ana, [{f"{n}": b"%d" % n for n in range(300)}, {"7": b"seven"}, {"8": b"eight"}])
    surroundings, buckets = surroundings_of(ben)

    with open_commit(settings_of(ben), surroundings, "@~1") as shown:
        rows = list(shown.rows)

    assert [row.path for row in rows] == ["7"]
    tags, head, commits, pages = 1, 1, 2, 2 * 2
    assert buckets[0].meter.requests["GET"] <= head + commits + tags + pages


def test_a_version_reads_only_as_far_back_as_it_came(folder):
    ana, ben = folder.team("Ana", "Ben")
    publish(ana, ({"a.csv": b"%d" % k} for k in range(60)))
    surroundings, buckets = surroundings_of(ben)

    assert show_version(settings_of(ben), surroundings, "@", "a.csv").came.commit.seq == 60
    assert buckets[0].meter.requests["GET"] <= 1 + 16 + 1 + 2


def test_rows_of_a_large_commit_are_not_all_held(folder):
    (ana,) = folder.team("Ana")
    publish(ana, [{f"d/{n:06}": b"x" for n in range(30_000)}])
    surroundings, _ = surroundings_of(ana)

    tracemalloc.start()
    try:
        with open_commit(settings_of(ana), surroundings, "@") as shown:
            n_rows = sum(1 for _ in shown.rows)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert n_rows == 30_000
    assert peak < 9 << 20, f"{peak:,} bytes"
