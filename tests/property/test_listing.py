"""What lies in a folder is what its paths say, whatever is skipped on the way."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas_sync.engine.at_revision import Subfolder, rows_below, rows_in
from cas_sync.formats import keys
from cas_sync.formats.rows import VersionRows
from cas_sync.model.paths import sort_key
from cas_sync.store.cache import Cache
from cas_sync.store.manifest import Manifest
from cas_sync.store.memory import MemoryBucket
from tests.support.samples import entry

NAMES = st.sampled_from(["a", "a-b", "a.csv", "ab", "b", "a b", "é", "\U0001f600"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("cache")
    with ThreadPoolExecutor(2) as pool:
        yield lambda: Manifest(MemoryBucket(), Cache(root), pool, VersionRows(), keys.versions)


def tree_of(paths):
    """Return those of ``paths`` that can be files together: a folder keeps its name."""
    folders = {path[:at] for path in paths for at, c in enumerate(path) if c == "/"}
    return sorted(set(paths) - folders, key=sort_key)


@given(st.lists(PATHS, max_size=40), PATHS | st.just(""))
def test_a_listing_is_the_files_and_folders_of_one_level(store, paths, folder):
    files = tree_of(paths)
    manifest = store()
    numbers = count()
    rows = ((sort_key(path), entry(path)) for path in files)
    root = manifest.write(None, rows, lambda: f"{next(numbers):016x}")
    repo, revision = SimpleNamespace(versions=manifest), SimpleNamespace(versions=root)
    below = [path for path in files if not folder or path.startswith(f"{folder}/")]
    at = len(folder) + 1 if folder else 0

    found = list(rows_in(repo, revision, folder))

    if folder in files:
        assert [each.path for each in found] == [folder]
        return
    names = list(dict.fromkeys(path[at:].split("/")[0] for path in below))
    assert [each.path[at:] for each in found] == names
    for each in found:
        assert isinstance(each, Subfolder) == (each.path not in files)
    assert [row.path for row in rows_below(repo, revision, folder)] == below
