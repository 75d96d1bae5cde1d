"""A sync without the command line, through a bucket of the test's own."""

from dataclasses import dataclass

from cas_sync.engine.asking import Question
from cas_sync.engine.settings import load_settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.sync import run_sync
from cas_sync.engine.sync_report import SyncOptions
from cas_sync.formats.config_json import Config
from cas_sync.plan.adoption import Foreign
from cas_sync.plan.step import YES, Answer
from cas_sync.progress import Silent
from tests.support.people import Instant, Person


@dataclass(frozen=True)
class Agreeing:
    """Agrees to every plan, and adopts only if told so beforehand."""

    adopts: bool = False
    agrees: bool = True

    def show(self, question: Question) -> None:
        """Take no notice."""

    def apply(self, question: Question) -> Answer:
        """Agree."""
        del question
        return YES

    def adopt(self, foreign: Foreign) -> bool:
        """Say what was said beforehand."""
        del foreign
        return self.adopts


def engine_sync(person: Person, bucket, notes=None, asker=None, **options):
    """Sync a person's folder with a bucket; what they are told goes to ``notes``."""

    class Listener(Silent):
        def note(self, text: str) -> None:
            if notes is not None:
                notes.append(text)

    surroundings = Surroundings(env=person.env, clock=Instant(), connect=lambda _: bucket)
    settings = load_settings(
        person.project, Config(store=person.store, data="Data"), person.env
    )
    return run_sync(
        settings, surroundings, SyncOptions(**options), asker or Agreeing(), Listener()
    )
