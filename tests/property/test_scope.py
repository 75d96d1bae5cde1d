"""Laws of what is ignored: the walk, the single question and git itself say the same."""

import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cas_sync.plan.ignore_rules import IgnoreRules, Rule
from cas_sync.plan.scope import Scope

NAMES = ["a", "b", "ab", "a.b", ".x", "Thumbs.db", "._a", "__pycache__", ".git"]
PARTS = [
    "a",
    "b",
    "ab",
    "*",
    "**",
    "a*",
    "?",
    "[ab]",
    "[!a]",
    "*.b",
    "Thumbs.db",
    "__pycache__",
]

paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map("/".join)
patterns = st.builds(
    lambda sign, top, parts, end: sign + top + "/".join(parts) + end,
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "", "/"]),
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=3),
    st.sampled_from(["", "", "/"]),
)
lists = st.lists(patterns, max_size=5).map(
    lambda texts: [Rule(".casignore", n, text) for n, text in enumerate(texts, 1)]
)
exact = st.lists(paths, max_size=2).map(
    lambda texts: [Rule("ignore_remote.txt", n, text) for n, text in enumerate(texts, 1)]
)


def walked(files, is_ignored):
    """Return the files that a walk meets which does not enter what is ignored."""
    met = set()
    for path in files:
        parts = path.split("/")
        folders = ["/".join(parts[:n]) for n in range(1, len(parts))]
        if not any(is_ignored(each, True) for each in folders) and not is_ignored(path, False):
            met.add(path)
    return met


@given(lists, exact, st.lists(paths, max_size=30))
def test_a_walk_and_the_single_question_agree(patterns, exact, files):
    scope = Scope(IgnoreRules(patterns, exact))

    assert {path for path in files if not scope.ignores(path)} == walked(
        files, scope.is_ignored
    )


@given(lists, exact, st.lists(paths, max_size=30))
def test_the_question_does_not_depend_on_what_was_asked_before(patterns, exact, files):
    asked_in_turn = IgnoreRules(patterns, exact)

    for path in files:
        alone = IgnoreRules(patterns, exact)
        assert asked_in_turn.ignores(path) == alone.ignores(path)
        assert alone.explain(path, is_dir=False).is_ignored == alone.ignores(path)


@given(lists, paths, paths)
def test_below_an_ignored_folder_nothing_is_taken_back(patterns, folder, below):
    rules = IgnoreRules(patterns)

    if rules.explain(folder, is_dir=True).is_ignored:
        assert rules.ignores(f"{folder}/{below}")


@pytest.fixture(scope="module")
def work_tree(tmp_path_factory):
    """Make a git repository, if there is git."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    root = tmp_path_factory.mktemp("git")
    subprocess.run(["git", "init", "-q", root], check=True)
    return root


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lists, st.sets(paths, min_size=1, max_size=40))
def test_patterns_decide_as_git_does(work_tree, patterns, files):
    # git knows its own folder, and no names that are junk for files only.
    files = {
        path
        for path in files
        if ".git" not in path.split("/") and not {"Thumbs.db", "._a"} & {*path.split("/")[:-1]}
    }
    built_in = ["Thumbs.db", "._a", "__pycache__/"]
    texts = [*built_in, *(rule.text for rule in patterns)]
    (work_tree / ".gitignore").write_text("\n".join(texts) + "\n")
    said = subprocess.run(
        ["git", "-C", work_tree, "check-ignore", "--no-index", "--stdin", "-z"],
        input="\0".join(files) + "\0",
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    rules = IgnoreRules(patterns)

    assert {path for path in files if rules.ignores(path)} == {*said.split("\0")} - {""}
