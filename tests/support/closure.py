"""Reads everything a history promises, with every byte checked."""

from collections.abc import Iterator

from cas_sync.engine.at_revision import History, open_history
from cas_sync.engine.settings import load_settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.formats.config_json import Config
from cas_sync.model.commit import Commit
from cas_sync.model.ids import ObjectId
from cas_sync.model.tree import Content


def read_all(person, surroundings: Surroundings | None = None) -> int:
    """Read every file of every commit that is kept, and every deletion; return how many."""
    settings = load_settings(
        person.project, Config(store=person.store, data="Data"), person.env
    )
    with open_history(settings, surroundings or Surroundings(env=person.env)) as past:
        return check(past)


def check(past: History) -> int:
    """Read all that is kept of an open history; return how many contents there are."""
    record = past.repo.upkeep.in_force(past.head)
    chain = list(past.repo.commits.walk(past.head))
    assert [commit.seq for _, commit in chain] == list(range(past.head.seq, 0, -1))
    reader = past.repo.reader(past.head)
    seen: set[Content] = set()
    for oid, commit in chain:
        if record.keeps(commit.seq, oid):
            for content in _contents(past, commit, record.horizon):
                if content not in seen:
                    seen.add(content)
                    read = b"".join(reader.stream(content))
                    assert ObjectId.of(read) == content.id
    return len(seen)


def _contents(past: History, commit: Commit, horizon: int) -> Iterator[Content]:
    for row in past.repo.versions.rows(commit.versions):
        yield row.content
    for gone in past.repo.deleted.rows(commit.deleted):
        if gone.seq > horizon:
            yield gone.entry.content
