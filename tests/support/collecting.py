"""A collection without the command line, at any time and through any bucket."""

from datetime import datetime, timedelta

from cas_sync.engine.gc import GcOptions, GcReport, run_gc
from cas_sync.engine.settings import load_settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.formats.config_json import Config
from cas_sync.progress import Silent
from tests.support.people import Instant, Person


class Later(Instant):
    """A clock that is ahead."""

    def __init__(self, **ahead: float) -> None:
        self._ahead = timedelta(**ahead)

    def now(self) -> datetime:
        return super().now() + self._ahead


def collect(person: Person, *, days_later: float = 0, bucket=None, **options) -> GcReport:
    """Collect with a person's store; ``prune`` and no grace unless told otherwise."""
    surroundings = Surroundings(env=person.env, clock=Later(days=days_later))
    if bucket is not None:
        surroundings = Surroundings(
            env=person.env, clock=Later(days=days_later), connect=lambda _: bucket
        )
    settings = load_settings(
        person.project, Config(store=person.store, data="Data"), person.env
    )
    given = {"prune": True, "grace_days": 0, **options}
    return run_gc(settings, surroundings, GcOptions(**given), Silent())
