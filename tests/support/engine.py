"""A sync without the command line, through a bucket of the test's own."""

from dataclasses import dataclass

from cas_sync.engine.asking import Question
from cas_sync.engine.repository import FORMAT, empty_head
from cas_sync.engine.settings import load_settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.sync import run_sync
from cas_sync.engine.sync_report import SyncOptions
from cas_sync.formats.config_json import Config
from cas_sync.formats.documents import Format, dump_format, dump_head
from cas_sync.model.params import ChunkParams
from cas_sync.plan.adoption import Foreign
from cas_sync.plan.step import YES, Answer
from cas_sync.progress import Silent
from cas_sync.store.bucket import Bucket
from cas_sync.store.head import HEAD
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


def begin_small(bucket: Bucket, repo_id: str) -> None:
    """Begin a repository that cuts files into very small chunks."""
    small = Format(repo_id, ChunkParams(64, 256, 1024, 1))
    bucket.put_new(FORMAT, dump_format(small))
    bucket.put_new(HEAD, dump_head(empty_head(repo_id, "0" * 32)))
