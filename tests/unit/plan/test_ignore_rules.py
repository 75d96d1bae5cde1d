import pytest

from cas_sync.errors import ConfigError
from cas_sync.plan.ignore_rules import (
    BUILT_IN,
    DEFAULTS,
    Rule,
    escaped,
    exact_path,
    is_pattern,
    meaningful,
)
from tests.support.rules import rules

# -- what is built in ---------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        ".DS_Store",
        "a/Thumbs.db",
        "a/THUMBS.DB",
        "desktop.ini",
        "~$book.xlsx",
        "._a",
        ".~lock.a.ods#",
        "movie.mp4.crdownload",
        ".ipynb_checkpoints/a.ipynb",
        "code/__pycache__/a.pyc",
        "vendor/.git/config",
    ],
)
def test_what_programs_drop_is_nobodys_business(path):
    assert rules().ignores(path)
    assert rules("unrelated").ignores(path)
    assert rules().explain(path, is_dir=False).rule.source == BUILT_IN


@pytest.mark.parametrize(
    "path",
    [
        "a.csv",
        "a.tmp",
        "part-0.part",
        "Thumbs.db/a",
        "a~$b",
        "desktop.ini.csv",
        "_.a",
        ".git",
        "__pycache__",
        ".github/a",
        "backup.S3export.csv",
        "x.S3/a",
    ],
)
def test_data_is_not_junk(path):
    assert not rules().ignores(path)
    assert not rules("unrelated").ignores(path)
    assert not rules().explain(path, is_dir=False).is_ignored


@pytest.mark.parametrize(
    ("back", "path"),
    [
        ("!Thumbs.db", "a/Thumbs.db"),
        ("!/x/._*", "x/._a"),
        ("!__pycache__/", "a/__pycache__/b"),
        ("!.git", ".git/config"),
    ],
)
def test_a_pattern_takes_back_what_is_built_in(back, path):
    assert rules().ignores(path)
    assert not rules(back).ignores(path)


def test_taking_back_a_folder_takes_back_nothing_else_in_it():
    assert rules("!__pycache__/").ignores("__pycache__/Thumbs.db")


# -- patterns: git's rules, each as `git check-ignore` answers -------------------------


@pytest.mark.parametrize(
    ("patterns", "path", "expected"),
    [
        (["*.tmp"], "a.tmp", True),
        (["*.tmp"], "d/a.tmp", True),
        (["*.tmp", "!keep.tmp"], "d/keep.tmp", False),
        (["!keep.tmp", "*.tmp"], "d/keep.tmp", True),
        (["build/"], "d/build/a/b", True),
        (["build/"], "d/build", False),
        (["/build"], "build/a", True),
        (["/build"], "d/build/a", False),
        (["d/build"], "build/a", False),
        (["d/build"], "e/d/build", False),
        (["raw/"], "raw/keep.csv", True),
        (["raw/", "!raw/keep.csv"], "raw/keep.csv", True),
        (["raw/*", "!raw/keep.csv"], "raw/keep.csv", False),
        (["raw/**", "!raw/keep.csv"], "raw/keep.csv", False),
        (["raw/**", "!raw/keep.csv"], "raw/d/keep.csv", True),
        (["raw/**", "!raw/d/", "!raw/d/keep.csv"], "raw/d/keep.csv", False),
        (["/*", "!/clean"], "clean/a", False),
        (["/*", "!/clean"], "raw/a", True),
        (["*", "!*.csv"], "a.csv", False),
        (["*", "!*.csv"], "d/a.csv", True),
        (["*/", "!d/"], "d/a", False),
        (["a/**/b"], "a/b", True),
        (["a/**/b"], "a/x/y/b/c", True),
        (["**/b"], "a/b", True),
        (["y*/", "!x/"], "x/y1/a", True),
        (["a*b"], "a/b", False),
        (["a?b"], "a/b", False),
        (["[ab].csv"], "b.csv", True),
        (["[!ab].csv"], "b.csv", False),
        ([r"\[ab].csv"], "[ab].csv", True),
        ([r"\!a"], "!a", True),
        ([r"\#a"], "#a", True),
        (["a  "], "a", True),
        ([r"a\ "], "a ", True),
        (["A.csv"], "a.csv", False),
    ],
)
def test_patterns_mean_what_they_mean_to_git(patterns, path, expected):
    assert rules(*patterns).ignores(path) is expected
    assert rules(*patterns).explain(path, is_dir=False).is_ignored is expected


def test_a_pattern_in_another_unicode_form_is_the_same():
    assert rules("e\u0301.csv").ignores("\u00e9.csv")


def test_the_teams_rules_are_not_ignored_by_a_pattern_but_by_an_exact_path():
    assert not rules("*", ".casignore").ignores(".casignore")
    assert rules("*").ignores("d/.casignore")
    assert rules(exact=[".casignore"]).ignores(".casignore")


@pytest.mark.parametrize("text", ["[abc", "[z-a]", "!", "/", "a\\", "x\x1b]0;p\x07*"])
def test_what_is_no_pattern_is_told_with_its_file_and_line(text):
    assert not is_pattern(text)
    with pytest.raises(ConfigError, match=r"^\.casignore:2: ") as caught:
        rules("fine", text)
    assert caught.value.code == "E214"
    assert caught.value.state == "nothing was changed"


def test_empty_lines_and_comments_say_nothing_and_count_as_lines():
    lines = ["# a", "", "  ", "x", "#y", " #z"]

    assert [tuple(rule) for rule in meaningful(lines, "f")] == [("f", 4, "x"), ("f", 6, " #z")]


# -- exact paths ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "path", "expected"),
    [
        ("data[1].csv", "data[1].csv", True),
        ("data[1].csv", "data1.csv", False),
        ("*.csv", "a.csv", False),
        ("*.csv", "*.csv", True),
        ("raw", "raw/a/b", True),
        ("raw/", "raw/a", True),
        ("./raw/a", "raw/a", True),
        ("raw\\a b.csv", "raw/a b.csv", True),
        ("raw", "d/raw", False),
        ("raw", "raw2", False),
        ("# a", "# a", True),
        ("e\u0301", "\u00e9", True),
    ],
)
def test_an_exact_path_is_that_path_and_what_is_below(line, path, expected):
    assert rules(exact=[line]).ignores(path) is expected


@pytest.mark.parametrize("line", [".", "./", "/", "\\"])
def test_a_line_that_names_the_whole_folder_names_nothing(line):
    assert exact_path(line) == ""
    assert not rules(exact=[line]).ignores("a")


def test_no_pattern_takes_back_an_exact_path():
    assert rules("!a", exact=["a"]).ignores("a")


# -- what decides ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "where", "text"),
    [
        ("a.tmp", ".casignore:1", "*.tmp"),
        ("keep.tmp", ".casignore:2", "!keep.tmp"),
        ("raw/d/a", ".casignore:3", "/raw/"),
        ("x/a", ".S3/ignore_remote.txt:1", "x"),
        (".DS_Store", "built-in", ".DS_Store"),
    ],
)
def test_the_rule_that_decides_is_named(path, where, text):
    verdict = rules("*.tmp", "!keep.tmp", "/raw/", exact=["x"]).explain(path, is_dir=False)

    assert (verdict.rule.where, verdict.rule.text) == (where, text)


def test_where_nothing_decides_nothing_is_named():
    assert rules("a").explain("b", is_dir=False).rule is None


def test_all_rules_are_listed_the_weakest_first():
    assert [rule.text for rule in rules("a", exact=["b"]).rules] == [*DEFAULTS, "a", "b"]


@pytest.mark.parametrize(
    "path", ["a", "a[1].csv", "*", "!a", "#a", "d/a b", "a ", " a", "a\\b", "[x]", "?"]
)
@pytest.mark.parametrize("is_dir", [True, False])
def test_an_escaped_path_names_just_that(path, is_dir):
    found = rules(escaped(path, is_dir=is_dir))

    assert found.explain(path, is_dir=is_dir).is_ignored
    assert not found.explain("d/" + path, is_dir=is_dir).is_ignored
    assert not found.explain("b" + path[1:] + "x", is_dir=is_dir).is_ignored


def test_a_rule_of_a_list_names_its_line_and_a_built_in_one_has_none():
    assert Rule("f", 3, "x").where == "f:3"
    assert Rule(BUILT_IN, 3, "x").where == BUILT_IN
