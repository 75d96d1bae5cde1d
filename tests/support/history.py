"""A long history of many files, made without a data folder: each commit in milliseconds."""

import os
from collections.abc import Iterable, Mapping

from cas_sync.engine.publish import Author, Change, move_head, write_changes
from cas_sync.engine.repository import Connection
from cas_sync.engine.settings import load_settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.formats.config_json import Config
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind
from cas_sync.model.paths import parse_repo_path, sort_key
from cas_sync.model.tree import Content, Deletion, Entry, Mode, timestamp
from cas_sync.store.head import HeadRead, Won
from cas_sync.store.packs import PackUploader
from tests.support.people import Person

Files = Mapping[str, bytes | None]
"""By path: what a commit writes there, in one chunk; `None` deletes it."""


def publish(person: Person, commits: Iterable[Files]) -> None:
    """Make each of ``commits`` in the person's store and name, whatever their folder holds."""
    saved = dict(os.environ)
    os.environ.clear()
    os.environ.update(person.env)
    try:
        surroundings = Surroundings(env=person.env)
        settings = load_settings(person.project, Config(store=person.store), person.env)
        with Connection(settings, surroundings) as connection:
            head = connection.read_head() or connection.begin(lambda _: None, is_tested=True)
            for files in commits:
                head = _publish(connection, surroundings, head, files, person.name)
    finally:
        os.environ.clear()
        os.environ.update(saved)


def _publish(
    connection: Connection, surroundings: Surroundings, head: HeadRead, files: Files, name: str
) -> HeadRead:
    repo = connection.repository(head.head.repo_id)
    uploader = PackUploader(
        repo.bucket, repo.cache, repo.pool, repo.index(head.head), surroundings.ulid
    )
    now = timestamp(surroundings.clock.now())
    changes = []
    for path, data in files.items():
        known = (
            repo.versions.find(head.head.versions, sort_key(path)) if head.head.seq else None
        )
        row = None
        if data is not None:
            oid = ObjectId.of(data)
            if data:
                uploader.add(oid, Kind.CHUNK, data)
            row = Entry(parse_repo_path(path), Content(oid, len(data), Mode.FILE), name, now)
        changes.append(Change(sort_key(path), known, row))
    uploader.flush()
    changes.sort(key=lambda each: each.key)

    def gone(when, seq):
        for each in changes:
            if each.after is None and each.before is not None:
                yield Deletion(each.before, name, when, seq)

    author = Author(name, "tests", "here", "")
    new, oid, _ = write_changes(repo, head.head, changes, gone, uploader, author, surroundings)
    outcome = move_head(repo, head, new, oid, surroundings)
    assert isinstance(outcome, Won), outcome
    moved = connection.read_head()
    assert moved is not None
    return moved
