"""A hostile store writes nothing outside of the data folder, whatever it names.

The paths: `tests/vectors/hostile_paths.json`; each class is one way to attack, among them
those of git's CVEs 2014-9390, 2018-11235, 2019-1349 to 1354, 2021-21300 and 2024-32002.
"""

import json
import os
import shutil
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from cas_sync.errors import CasSyncError, DamageError, FormatError
from cas_sync.formats import keys
from cas_sync.formats.tag import why_not_a_name
from cas_sync.model.commit import ChangeRow
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import PathRefusedError, fold, parse_repo_path
from cas_sync.model.tree import Content, Mode
from cas_sync.store.bucket import Key
from tests.support import hostile, samples
from tests.support.engine import engine_sync
from tests.support.people import Person, snapshot, tree
from tests.support.spoilt import Spoilt, read_all

CORPUS = json.loads(
    (Path(__file__).parent.parent / "vectors" / "hostile_paths.json").read_text()
)
SLOW = bool(os.environ.get("CAS_SYNC_SLOW"))
REFUSED = [(kind, path) for kind, paths in CORPUS["refused"].items() for path in paths]
SOME = [(kind, path) for kind, paths in CORPUS["refused"].items() for path in paths[1:3]]


def guarded(tmp_path) -> tuple[Person, Path]:
    """Return somebody whose folder stands among things that nobody may touch."""
    root = tmp_path / "guarded"
    person = Person(root / "bo", "bo", str(tmp_path / "store"))
    for at in (root, person.home, person.project):
        for name in ("x", "etc/passwd", ".ssh/authorized_keys", "base"):
            target = at / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text("not yours")
    return person, root


def refused(error, step, kind: str, path: str):
    """Run a step that must end with an error, and return that."""
    try:
        step()
    except error as told:
        return told
    raise AssertionError(f"{kind}: {path!r} was let through")


def outside(root: Path) -> dict[str, tuple[object, ...]]:
    """Return all there is around the data folder."""
    own = ("bo/project/Data/", "bo/cache/", "bo/state/", "bo/project/cas-sync.json")
    seen = snapshot(root)
    return {path: each for path, each in seen.items() if not path.startswith(own)}


def test_the_corpus_is_large_and_each_path_of_it_is_refused():
    assert len({path for _, path in REFUSED}) >= 500
    for kind, path in REFUSED:
        refused(PathRefusedError, partial(parse_repo_path, path), kind, path)


def test_no_path_of_the_corpus_leaves_the_data_folder_by_a_sync(tmp_path):
    person, root = guarded(tmp_path)
    before = outside(root)
    step = 1 if SLOW else 7
    for kind, path in REFUSED[::step]:
        bucket = Spoilt(hostile.store([hostile.row(path)]))
        told = refused(
            DamageError, partial(engine_sync, person, bucket, push=False), kind, path
        )
        assert told.exit_code == 9
        assert not tree(person.data), path
    assert outside(root) == before


def test_no_path_of_the_corpus_is_read_from_any_manifest_or_commit():
    for kind, path in REFUSED:
        change = ChangeRow(path, "added", "", str(hostile.CONTENT.id))
        changes = () if any("\ud800" <= c <= "\udfff" for c in path) else (change,)
        for objects in (
            hostile.store([hostile.row(path)]),
            hostile.store([hostile.row("ok")], deleted=[hostile.row(path)]),
            hostile.store([hostile.row("ok")], changes=changes) if changes else None,
        ):
            if objects is None:
                continue
            refused(FormatError, partial(read_all, Spoilt(objects)), kind, path)


def test_links_that_lead_out_are_not_made_and_the_rest_is(tmp_path):
    person, root = guarded(tmp_path)
    before = outside(root)
    targets = [hostile.raw(each) for each in CORPUS["links out"] if each]
    rows = [hostile.row("ok")]
    for n, target in enumerate(targets):
        content = Content(ObjectId.of(target), len(target), Mode.LINK)
        rows.append(hostile.row(f"z{n:03d}", content))
    bodies = sorted({hostile.BYTES, *targets})
    with suppress(DamageError):
        engine_sync(person, Spoilt(hostile.store(rows, bodies=bodies)), push=False)
    found = tree(person.data)
    assert found["ok"] == (hostile.BYTES, False)
    assert set(found) == {"ok"}
    assert outside(root) == before


def test_odd_names_stay_inside_and_hold_what_they_should(tmp_path):
    person, root = guarded(tmp_path)
    before = outside(root)
    names: dict[str, str] = {}
    for path in sorted(CORPUS["odd"], key=len):
        parse_repo_path(path)
        if not {fold(str(above)) for above in Path(path).parents} & set(names):
            names.setdefault(fold(path), path)
    rows = [hostile.row(path) for path in hostile.in_order(list(names.values()))]
    engine_sync(person, Spoilt(hostile.store(rows)), push=False)
    found = tree(person.data)
    assert {data for data, _ in found.values()} == {hostile.BYTES}
    assert set(found) <= set(names.values())
    assert len(found) > len(names) * 3 // 4
    assert outside(root) == before


@pytest.mark.parametrize("mode", [Mode.FILE, Mode.LINK])
def test_a_file_below_a_file_or_a_link_is_refused(tmp_path, mode):
    person, root = guarded(tmp_path)
    before = outside(root)
    target = b".." if mode is Mode.LINK else hostile.BYTES
    first = Content(ObjectId.of(target), len(target), mode)
    rows = [hostile.row("a", first), hostile.row("a/x")]
    objects = hostile.store(rows, bodies=sorted({target, hostile.BYTES}))
    with pytest.raises(FormatError, match="lies below what is a file"):
        engine_sync(person, Spoilt(objects), push=False)
    assert not tree(person.data)
    assert outside(root) == before


def test_nothing_is_written_through_a_link_that_stands_where_a_folder_should(tmp_path):
    person, root = guarded(tmp_path)
    person.data.mkdir()
    (person.data / "a").symlink_to(root)
    before = outside(root)
    rows = [hostile.row("a/etc/passwd"), hostile.row("a/x")]
    with suppress(CasSyncError):
        engine_sync(person, Spoilt(hostile.store(rows)), push=False)
    assert outside(root) == before
    assert (person.data / "a").is_symlink()


@pytest.mark.parametrize(("kind", "path"), SOME)
def test_every_command_refuses_it_in_words(tmp_path, kind, path):
    person, root = guarded(tmp_path)
    hostile.write_out(
        hostile.store([hostile.row(path)], deleted=[hostile.row(path)]), tmp_path / "store"
    )
    before = outside(root)
    commands = [
        ("sync", "-y", "--store", person.store),
        ("ls", "-r"),
        ("get", "a", "--to", str(person.home / "got")),
        ("undelete", "--all", "-y"),
    ]
    said = path if path.isprintable() else "a"
    with suppress(ValueError):
        commands.append(("cat", said))
    for command in commands:
        ended = person.run(*command, exit=None)
        assert ended.exit in {2, 3, 9}, ended
        assert "Traceback" not in ended.stderr, ended
    assert person.run("sync", "-y", exit=9).exit == 9
    assert not tree(person.data)
    assert outside(root) == before


def test_no_tag_of_a_hostile_store_is_believed_under_a_name_that_none_may_have():
    repo = f".S3/tags/{samples.REPO[:16]}"
    for kind, path in REFUSED:
        if kind in {"control characters", "backslash", "absolute", "empty or dots"}:
            assert why_not_a_name(path) or "/" not in path, path
    objects = hostile.store([hostile.row("ok")])
    for name in ("..", "=2E=2E", "a=2Fb", "con", "=00"):
        objects[Key(f"{repo}/{name}/00000001.json")] = b"{}\n"
    assert keys.parse_tag(f"{repo}/../00000001.json", samples.REPO) is None
    with suppress(DamageError):
        assert not read_all(Spoilt(objects))["tags"]


@pytest.mark.parametrize("name", ["versions_remote.csv", "versions_local.csv", "journal"])
def test_what_somebody_wrote_into_the_bookkeeping_leads_nowhere(folder, tmp_path, name):
    (ana,) = folder.team("ana")
    ana.write("a.csv", "mine")
    ana.sync()
    sentinel = ana.home / "sentinel"
    sentinel.write_text("not yours")
    file = ana.state / name
    evil = "../../sentinel"
    if name == "journal":
        lines = [[evil, "a.csv", "0" * 64, "1" * 64], [".S3/tmp/x.old", evil, "", ""]]
        file.write_text("".join(json.dumps(each) + "\n" for each in lines))
        (ana.state / "tmp" / ("0" * 64 + "-0.old")).write_text("x")
    else:
        from tests.campaigns.fuzz import sealed_fit

        text = file.read_bytes().replace(b"\na.csv,", f"\n{evil},".encode())
        file.write_bytes(sealed_fit(text))
    ended = ana.run("sync", "-y", exit=None)
    assert ended.exit in {0, 3, 9}, ended
    assert "Traceback" not in ended.stderr
    assert sentinel.read_text() == "not yours"
    assert ana.read("a.csv") == b"mine"
    shutil.rmtree(ana.home / "cache", ignore_errors=True)
