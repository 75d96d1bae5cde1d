"""`import cas_sync` costs nothing, and shows its names."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import cas_sync
from cas_sync import errors

HEAVY = {
    *("boto3", "botocore", "click", "blake3", "zstandard", "pathspec", "filelock", "rich"),
    *(
        "fsspec",
        "upath",
        "platformdirs",
        "pyfastcdc",
        "cas_sync.api",
        "cas_sync.engine",
        "cas_sync.errors",
    ),
}


def python(code: str) -> str:
    """Run code in a fresh process and return what it prints."""
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return ran.stdout.strip()


def test_import_loads_nothing_heavy():
    loaded = python("import sys, cas_sync; print(' '.join(sys.modules))").split()

    assert not set(loaded) & HEAVY


def test_import_takes_under_30_ms():
    code = (
        "import time; began = time.perf_counter(); import cas_sync; "
        "print((time.perf_counter() - began) * 1000)"
    )

    assert min(float(python(code)) for _ in range(5)) < 30


def test_listing_platforms_loads_no_platform():
    code = (
        "import sys, cas_sync; cas_sync.get_supported_platforms(); print(' '.join(sys.modules))"
    )

    assert not {"boto3", "click"} & set(python(code).split())


@pytest.mark.parametrize("name", cas_sync.__all__)
def test_every_name_is_there_and_shown(name):
    assert getattr(cas_sync, name) is not None
    assert name in dir(cas_sync)


def test_a_star_leaves_pythons_own_open_alone():
    names = {}
    exec("from cas_sync import *", names)

    assert "open" not in names
    assert cas_sync.open is not open
    assert "open" in dir(cas_sync)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'smart_snyc'"):
        cas_sync.smart_snyc  # noqa: B018


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(cas_sync.__file__).read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert {*seen, "__version__"} == {*cas_sync.__all__, "open"}
    assert {name: f"cas_sync.{room}" for name, room in cas_sync._HOMES.items()} == seen
    assert (Path(cas_sync.__file__).parent / "py.typed").exists()


def test_the_whole_family_of_errors_is_public():
    family = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.CasSyncError)
    }

    assert family <= set(cas_sync.__all__)
