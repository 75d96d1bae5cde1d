"""The history as people read it, and as scripts do."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from blake3 import blake3

from cas_sync.engine.log import LogQuery, run_log
from cas_sync.engine.surroundings import Surroundings
from cas_sync.errors import AccessError
from cas_sync.store.connect import open_bucket
from tests.support.history import publish
from tests.support.people import Instant, settings_of
from tests.support.told import told


def move(person, old, new):
    (person.data / new).parent.mkdir(parents=True, exist_ok=True)
    (person.data / old).rename(person.data / new)


def story(place):
    """Return Ana after five commits of hers and Ben's."""
    ana, ben = place.team("Ana Ruiz", "Ben")
    ana.write("clean/users.csv", "id\n" * 50)
    ana.write("raw/e.csv", "e" * 3000)
    ana.write("tmp.csv", "go")
    ana.sync("-m", "first sync")
    ana.write("clean/users.csv", "id\n" * 80)
    ana.delete("tmp.csv")
    ana.write("models/gbm.pkl", "m" * 5000)
    ana.sync()
    ben.sync()
    move(ben, "clean/users.csv", "clean/people.csv")
    ben.write("raw/f.csv", "f")
    ben.sync("-m", "users are people")
    ana.sync()
    ana.delete("clean/people.csv")
    ana.sync()
    ana.write("clean/people.csv", "new")
    ana.sync("-m", "again")
    return ana


@pytest.fixture
def ana(folder):
    return story(folder)


def test_the_log_says_who_when_and_why_or_else_what(place):
    ana = story(place)

    assert told(ana, "log") == [
        "<5> Ana Ruiz today again",
        "<4> Ana Ruiz today 1 deleted",
        "<3> Ben today users are people",
        "<2> Ana Ruiz today 1 added, 1 modified, 1 deleted",
        "<1> Ana Ruiz today first sync",
    ]


def test_stat_tells_how_many_files_some_names_and_bytes(ana):
    ana.write("clean/a.csv", "a")
    ana.write("clean/b.csv", "b")
    ana.sync("-m", "six")
    said = [line for line in told(ana, "log", "--stat") if not line.startswith("<")]

    assert [re.sub(r"\(.* new\)", "(n new)", line) for line in said] == [
        "+2 clean/a.csv, clean/b.csv +2 B (n new)",
        "+1 clean/people.csv +3 B (n new)",
        "-1 clean/people.csv -240 B (n new)",
        "+1 >1 clean/people.csv, raw/f.csv +1 B (n new)",
        "+1 ~1 -1 clean/users.csv, models/gbm.pkl, tmp.csv +5.0 KiB (n new)",
        "+3 clean/users.csv, raw/e.csv, tmp.csv +3.1 KiB (n new)",
    ]


def test_stat_names_the_first_and_counts_the_others(folder):
    (ana,) = folder.team("Ana")
    for name in "abcde":
        ana.write(name, name)
    ana.sync()

    assert told(ana, "log", "--stat")[1].startswith("+5 a, b, c, ... 2 more +5 B")


def test_one_line_is_short_and_says_something(ana):
    assert told(ana, "log", "--oneline", "-n", "2") == [
        "<5> Ana Ruiz: again",
        "<4> Ana Ruiz: 1 deleted",
    ]


def test_times_are_told_in_full_where_that_is_asked_for(ana):
    utc = ana.run("log", "-n", "1", "--utc").stdout
    iso = ana.run("log", "-n", "1", "--iso").stdout

    assert ana.log()[0]["time"] in utc
    assert re.search(r"  \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d  again", iso)


def test_tags_stand_beside_what_they_name(ana):
    ana.run("tag", "v1", "@~2")
    ana.run("tag", "paper", "@~2")
    ana.run("tag", "newest")

    assert told(ana, "log", "-n", "3") == [
        "<5> Ana Ruiz today again tag: newest",
        "<4> Ana Ruiz today 1 deleted",
        "<3> Ben today users are people tags: paper, v1",
    ]
    assert told(ana, "log", "--oneline", "-n", "1") == ["<5> Ana Ruiz: again tag: newest"]
    assert [each["tags"] for each in ana.log("-n", "3")] == [["newest"], [], ["paper", "v1"]]


def test_authors_and_times_choose(ana):
    assert [each["seq"] for each in ana.log("--author", "ben")] == [3]
    assert [each["seq"] for each in ana.log("--author", "RUIZ", "-n", "2")] == [5, 4]
    assert len(ana.log("--since", "1 hour ago")) == 5
    assert ana.log("--since", "2999-01-01") == []


def test_scripts_get_the_same_as_ever_and_tags(ana):
    (newest,) = ana.log("-n", "1")

    assert newest.keys() == {
        "id", "seq", "parent", "author", "machine", "time", "message", "changes", "files",
        "size", "bytes_new", "tags",
    }  # fmt: skip
    assert newest["changes"] == {"added": 1, "modified": 0, "deleted": 0}
    (stat,) = ana.log("-n", "1", "--stat")
    assert stat["rows"] == [
        {
            "path": "clean/people.csv",
            "change": "added",
            "old": "",
            "new": blake3(b"new").hexdigest(),
        }
    ]


def test_what_commits_hold_cannot_command_a_terminal(folder):
    evil = "\u202eevil\u2066"
    (ana,) = folder.team("Ana\u200f" + evil)
    ana.write(f"{evil}.csv", "x")
    ana.sync("-m", f"why {evil}")

    for args in (["log", "--stat"], ["log", "--oneline"], ["log", f"{evil}.csv"], ["show"],
                 ["show", f"@:{evil}.csv"], ["log", f"{evil}.cs"]):  # fmt: skip
        said = ana.run(*args)
        assert "evil" in said.stdout + said.stderr
        assert all(c.isprintable() or c == "\n" for c in said.stdout + said.stderr), args


# -- of one path ------------------------------------------------------------------------


def test_a_file_is_followed_through_its_renames(folder):
    ana = story(folder)

    assert told(ana, "log", "clean/people.csv") == [
        "<5> today Ana Ruiz 3 B added again",
        "<4> today Ana Ruiz deleted",
        "<3> today Ben 240 B renamed from clean/users.csv users are people",
        "<2> today Ana Ruiz 240 B modified",
        "<1> today Ana Ruiz 150 B added first sync",
    ]


def test_a_file_that_was_renamed_says_where_it_went(ana):
    assert told(ana, "log", "clean/users.csv") == [
        "<3> today Ben renamed to clean/people.csv users are people",
        "<2> today Ana Ruiz 240 B modified",
        "<1> today Ana Ruiz 150 B added first sync",
    ]
    assert told(ana, "log", "clean/users.csv", "--oneline")[0] == (
        "<3> Ben: renamed to clean/people.csv users are people"
    )


def test_scripts_get_the_name_at_that_time_and_what_happened(ana):
    found = ana.log("clean/people.csv")

    assert [(each["path"], each["change"]) for each in found] == [
        ("clean/people.csv", "added"),
        ("clean/people.csv", "deleted"),
        ("clean/people.csv", "added"),
        ("clean/users.csv", "modified"),
        ("clean/users.csv", "added"),
    ]
    assert found[2]["renamed_from"] == "clean/users.csv"
    assert ana.log("clean/users.csv")[0]["renamed_to"] == "clean/people.csv"
    assert "hash" not in found[1]
    assert found[2]["hash"] == found[3]["hash"] == blake3(b"id\n" * 80).hexdigest()
    assert [each.get("file_size") for each in found] == [3, None, 240, 240, 150]


def test_a_rename_with_an_edit_ends_the_trail(ana):
    move(ana, "clean/people.csv", "clean/humans.csv")
    ana.write("clean/humans.csv", "new and more")
    ana.sync()

    assert told(ana, "log", "clean/humans.csv") == ["<6> today Ana Ruiz 12 B added"]


def test_a_rename_back_and_forth_is_followed(folder):
    (ana,) = folder.team("Ana")
    ana.write("a", "content")
    ana.sync()
    for old, new in (("a", "b"), ("b", "c/a"), ("c/a", "a")):
        move(ana, old, new)
        ana.sync()

    assert [(each["seq"], each["path"]) for each in ana.log("a")] == [
        (4, "a"),
        (3, "c/a"),
        (2, "b"),
        (1, "a"),
    ]


def test_of_a_folder_it_is_what_happened_below_it(ana):
    assert told(ana, "log", "clean") == [
        "<5> today Ana Ruiz 1 added again",
        "<4> today Ana Ruiz 1 deleted",
        "<3> today Ben 1 renamed users are people",
        "<2> today Ana Ruiz 1 modified",
        "<1> today Ana Ruiz 1 added first sync",
    ]
    assert told(ana, "log", "clean", "--stat", "-n", "1")[1] == "+1 clean/people.csv"
    found = ana.log("raw", "--stat")
    assert [each["seq"] for each in found] == [3, 1]
    assert found[0]["path"] == "raw/"
    assert found[0]["below"] == {"added": 1, "modified": 0, "deleted": 0}
    assert [row["path"] for row in found[0]["rows"]] == ["raw/f.csv"]


def test_a_file_that_took_the_place_of_a_folder_has_both_histories(folder):
    (ana,) = folder.team("Ana")
    ana.write("x/a", "1")
    ana.write("x.y", "1")
    ana.sync()
    ana.delete("x/a")
    (ana.data / "x").rmdir()
    ana.write("x", "file")
    ana.sync()

    assert [(each["path"], each["change"]) for each in ana.log("x")] == [
        ("x", "added"),
        ("x/", "modified"),
    ]


def test_a_path_that_never_was_is_told_with_what_is_near_it(ana):
    said = ana.run("log", "clean/peple.csv")
    assert said.stderr == "No commit changed clean/peple.csv. Near it: clean/people.csv\n"
    assert "Near it: clean" in ana.run("log", "claen/people.csv").stderr
    assert ana.run("log", "clean/peple.csv", "--json").answer == []


# -- large ones -------------------------------------------------------------------------


@pytest.fixture
def large(folder):
    """Return somebody with commits of more changes than a commit repeats."""
    (ana,) = folder.team("Ana")
    first = {f"img/{n:04}.png": b"%d" % n for n in range(1000)}
    moves = {f"img/{n:04}.png": None for n in range(300)}
    moves |= {f"pics/{n:04}.png": b"%d" % n for n in range(300)}
    publish(
        ana,
        [
            {**first, "models/old.pkl": b"model", "zoo": b"1"},
            {f"img/{n:04}.png": b"x%d" % n for n in range(300, 600)},
            {**moves, "models/old.pkl": None, "models/new.pkl": b"model"},
        ],
    )
    (ana.project / "cas-sync.json").write_text(json.dumps({"store": ana.store}))
    return ana


def test_commits_that_do_not_repeat_their_changes_are_looked_into(large):
    assert [(each["seq"], each["path"]) for each in large.log("models/new.pkl")] == [
        (3, "models/new.pkl"),
        (1, "models/old.pkl"),
    ]
    assert large.log("models/old.pkl")[0]["renamed_to"] == "models/new.pkl"
    assert [each["path"] for each in large.log("pics/0007.png")] == [
        "pics/0007.png",
        "img/0007.png",
    ]
    assert [each["seq"] for each in large.log("img/0300.png")] == [2, 1]
    assert [each["seq"] for each in large.log("zoo")] == [1]
    assert [(each["seq"], each["below"]) for each in large.log("img")] == [
        (3, {"added": 0, "modified": 0, "deleted": 300}),
        (2, {"added": 0, "modified": 300, "deleted": 0}),
        (1, {"added": 1000, "modified": 0, "deleted": 0}),
    ]
    assert len(large.log("-n", "1", "--stat")[0]["rows"]) == 602
    assert len(large.log("pics", "--stat")[0]["rows"]) == 300
    assert told(large, "log", "--stat", "-n", "1")[1].startswith("+301 -301")


# -- requests ---------------------------------------------------------------------------


def requests_of(person, query, show=lambda _: None, **wanted):
    """Return how many requests a log takes for somebody who has no copies, by method."""
    buckets = []

    def connect(address):
        buckets.append(open_bucket(address))
        return buckets[0]

    surroundings = Surroundings(env=person.env, clock=Instant(), connect=connect)
    run_log(settings_of(person), surroundings, query, show, **wanted)
    return dict(buckets[0].meter.requests)


HEAD, TAGS = 1, 1


def test_no_more_commits_are_read_than_asked_for(folder):
    publish(folder.person("Ana"), ({"a.csv": b"%d" % k} for k in range(130)))

    for n in (1, 5, 16, 17, 20, 64, 100):
        got = requests_of(folder.person(f"New{n}"), LogQuery(limit=n))

        listings = TAGS + (n > 64)
        assert got["GET"] == HEAD + n + listings, (n, got)


def test_growth_takes_one_commit_more(folder):
    ana, ben = folder.team("Ana", "Ben")
    publish(ana, ({"a.csv": b"%d" % k} for k in range(40)))

    assert requests_of(ben, LogQuery(limit=20), with_growth=True)["GET"] == HEAD + TAGS + 21


def test_of_a_path_pages_are_read_only_for_what_is_shown(folder):
    ana, ben = folder.team("Ana", "Ben")
    publish(ana, ({f"{k}.csv": b"%d" % k} for k in range(40)))
    shown = []

    got = requests_of(ben, LogQuery(path="0.csv"), shown.append)

    assert [each.commit.seq for each in shown] == [1]
    assert got["GET"] == HEAD + TAGS + 40 + 1, "every commit, and the page of its row"


def test_without_the_right_to_list_the_history_is_told_without_tags(folder):
    (ana,) = folder.team("Ana")
    publish(ana, ({"a.csv": b"%d" % k} for k in range(70)))

    def connect(address):
        bucket = open_bucket(address)

        def refuse(under):
            raise AccessError(f"{under} may not be listed")

        bucket.list_keys = refuse
        return bucket

    shown = []
    surroundings = Surroundings(env=ana.env, clock=Instant(), connect=connect)
    run_log(settings_of(ana), surroundings, LogQuery(), shown.append)
    assert len(shown) == 70
    assert {entry.tags for entry in shown} == {()}


def test_the_first_is_shown_before_the_last_is_read(folder):
    ana, ben = folder.team("Ana", "Ben")
    publish(ana, ({"a.csv": b"%d" % k} for k in range(120)))

    class EnoughError(Exception):
        pass

    def show(entry):
        raise EnoughError

    buckets = []

    def connect(address):
        buckets.append(open_bucket(address))
        return buckets[0]

    surroundings = Surroundings(env=ben.env, clock=Instant(), connect=connect)
    with pytest.raises(EnoughError):
        run_log(settings_of(ben), surroundings, LogQuery(), show)

    assert buckets[0].meter.requests["GET"] <= HEAD + TAGS + 16


def test_a_search_by_time_ends_once_all_is_older(folder):
    """One commit with a wrong clock, or a few, hide nothing behind them."""
    ana, ben = folder.team("Ana", "Ben")
    publish(ana, ({"a.csv": b"%d" % k} for k in range(130)))
    tomorrow = datetime.now(UTC) + timedelta(days=1)

    got = requests_of(ben, LogQuery(since=tomorrow))

    assert got["GET"] <= HEAD + TAGS + 64 + 16
