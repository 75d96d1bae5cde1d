import pytest

from cas_sync.plan.scope import Scope, is_junk


@pytest.mark.parametrize(
    "path", [".DS_Store", "a/Thumbs.db", "desktop.ini", "~$book.xlsx", "._a", ".~lock.a.ods#"]
)
def test_what_programs_drop_is_nobodys_business(path):
    assert is_junk(path)
    assert Scope().ignores(path)


@pytest.mark.parametrize("path", ["a.csv", "Thumbs.db/a", "a~$b", "desktop.ini.csv", "_.a"])
def test_data_is_not_junk(path):
    assert not Scope().ignores(path)


def test_without_wishes_everything_is_covered():
    assert Scope().covers("any/thing")


@pytest.mark.parametrize("named", ["d", "d/", "./d".removeprefix("./"), "d/e/a.csv"])
def test_named_paths_cover_themselves_and_what_is_below(named):
    scope = Scope(paths=[named])

    assert scope.covers("d/e/a.csv")
    assert not scope.covers("de/a.csv")


@pytest.mark.parametrize("named", ["", ".", "/"])
def test_the_data_folder_itself_covers_all(named):
    assert Scope(paths=[named]).covers("a")


def test_only_and_exclude_narrow_what_is_covered():
    scope = Scope(only=["*.csv"], exclude=["raw/"])

    assert scope.covers("d/a.csv")
    assert not scope.covers("d/a.txt")
    assert not scope.covers("raw/a.csv")
    assert not scope.ignores("raw/a.csv")


def test_an_ignored_folder_hides_all_below_it_from_a_walk_and_from_a_plan():
    scope = Scope(ignore=["build/", "*.tmp", "!keep.tmp"])

    assert scope.is_ignored("d/build", is_dir=True)
    assert not scope.is_ignored("d/build", is_dir=False)
    assert scope.ignores("d/build/a/b")
    assert scope.ignores("a.tmp")
    assert not scope.ignores("keep.tmp")
    assert scope.covers("a.tmp")
