import subprocess
import sys

import pytest

from cas_sync.errors import ConfigError, UsageError
from cas_sync.plan.scope import Scope, wants
from tests.support.rules import rules


def test_without_wishes_everything_is_covered():
    assert Scope().covers("any/thing")
    assert not Scope().leaves_out("any/thing")


@pytest.mark.parametrize("named", ["d", "d/", "d/e", "d/e/a.csv"])
def test_named_paths_cover_themselves_and_what_is_below(named):
    scope = Scope(paths=[named])

    assert scope.covers("d/e/a.csv")
    assert not scope.covers("de/a.csv")


@pytest.mark.parametrize("named", ["", ".", "/"])
def test_the_data_folder_itself_covers_all(named):
    assert Scope(paths=[named]).covers("a")
    assert Scope(paths=[named, "b"]).covers("a")


def test_only_and_exclude_narrow_what_is_covered():
    scope = Scope(only=["*.csv"], exclude=["raw/"])

    assert scope.covers("d/a.csv")
    assert not scope.covers("d/a.txt")
    assert not scope.covers("raw/a.csv")
    assert not scope.leaves_out("raw/a.csv")


@pytest.mark.parametrize("option", ["only", "exclude"])
@pytest.mark.parametrize("text", ["[abc", "", " ", "#x", "!", "a\nb"])
def test_an_option_that_is_no_pattern_is_refused(option, text):
    with pytest.raises(UsageError, match=f"--{option}"):
        Scope(**{option: [text]})


# -- remembered -----------------------------------------------------------------------


def test_what_is_not_wanted_here_is_left_out_but_not_hidden_from_a_walk():
    scope = Scope(remembered=["clean/**"])

    assert scope.leaves_out("raw/a.csv")
    assert not scope.leaves_out("clean/a.csv")
    assert not scope.is_ignored("raw", True)
    assert not scope.ignores("raw/a.csv")


def test_the_teams_rules_are_always_wanted():
    assert not Scope(remembered=["clean/**"]).leaves_out(".casignore")
    assert wants(["clean/**"])(".casignore")


def test_what_is_named_is_wanted_this_time():
    scope = Scope(paths=["raw/a"], remembered=["clean/**"])

    assert scope.goes_beyond
    assert not scope.leaves_out("raw/a/b.csv")
    assert scope.leaves_out("raw/b.csv")


@pytest.mark.parametrize("named", ["", "."])
def test_naming_all_of_the_folder_names_nothing_that_is_not_wanted(named):
    scope = Scope(paths=[named], remembered=["clean/**"])

    assert not scope.goes_beyond
    assert scope.leaves_out("raw/b.csv")


def test_what_is_ignored_is_left_out_though_it_is_wanted_and_named():
    scope = Scope(rules("*.tmp"), paths=["clean/a.tmp"], remembered=["clean/**"])

    assert scope.leaves_out("clean/a.tmp")


def test_remembered_patterns_that_are_none_are_refused():
    with pytest.raises(ConfigError, match="only"):
        Scope(remembered=["[abc"])


def test_the_fingerprint_tells_rules_and_what_is_remembered_apart():
    scopes = [
        Scope(),
        Scope(rules("a")),
        Scope(rules("a", "b")),
        Scope(rules("a\tb")),
        Scope(rules("!a")),
        Scope(rules(exact=["a"])),
        Scope(remembered=["a"]),
        Scope(rules("a"), remembered=["a"]),
    ]

    assert len({scope.fingerprint for scope in scopes}) == len(scopes)
    assert Scope(rules("a"), paths=["x"]).fingerprint == Scope(rules("a")).fingerprint


def test_without_patterns_pathspec_is_not_loaded():
    program = (
        "import sys; from cas_sync.plan.scope import Scope; s = Scope();"
        "s.ignores('a/b'), s.leaves_out('a/b'), s.covers('a/b'), s.is_ignored('a', True);"
        "sys.exit('pathspec' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
