"""A sync without the command line, through a bucket of the test's own."""

from cas_sync.engine.asking import Agreeing
from cas_sync.engine.settings import load_settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.sync import run_sync
from cas_sync.engine.sync_report import SyncOptions
from cas_sync.formats.config_json import Config
from cas_sync.progress import Silent
from tests.support.people import Instant, Person


def engine_sync(person: Person, bucket, notes=None, **options):
    """Sync a person's folder with a bucket; what they are told goes to ``notes``."""

    class Listener(Silent):
        def note(self, text: str) -> None:
            if notes is not None:
                notes.append(text)

    surroundings = Surroundings(env=person.env, clock=Instant(), connect=lambda _: bucket)
    settings = load_settings(
        person.project, Config(store=person.store, data="Data"), person.env
    )
    return run_sync(settings, surroundings, SyncOptions(**options), Agreeing(), Listener())
