"""What a tool is to the benchmarks, and this project as one of them."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from benchmarks.measure import Command, ToolFailedError
from benchmarks.places import Place


class Tool(Protocol):
    """A tool: how it is set up, and the commands of each step.

    Attributes:
        name: As it is asked for and told.
        program: What must be installed.
        stores: Kinds of stores it can use; ``scan`` for who only looks at a folder.
        settling_s: Seconds after the data's last change until it is sure to see the next.
    """

    name: str
    program: str
    stores: tuple[str, ...]
    settling_s: float

    def prepare(self, place: Place) -> None:
        """Do what is done once, and is not measured."""

    def push(self, place: Place) -> Sequence[Command]:
        """Return what brings the state of the folder to the store, for the nth time."""

    def clone(self, place: Place, target: Path) -> Sequence[Command]:
        """Return what brings it to a new folder on a new machine; the data is at `cloned`."""

    def cloned(self, place: Place, target: Path) -> Path:
        """Return where a clone into ``target`` has the data."""


def run_untimed(*commands: Command) -> str:
    """Run commands that must end well; return what the last one printed."""
    said = ""
    for command in commands:
        done = subprocess.run(
            command.args,
            cwd=command.cwd,
            env=dict(command.env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = (done.stdout + done.stderr)[-2000:]
            raise ToolFailedError(
                f"{' '.join(command.args)} ended with {done.returncode}:\n{said}"
            )
        said = done.stdout
    return said


class Plain:
    """What is the same for most tools."""

    stores: tuple[str, ...] = ("s3",)
    settling_s: float = 0.2

    def prepare(self, place: Place) -> None:
        """Need nothing."""

    def cloned(self, place: Place, target: Path) -> Path:  # noqa: ARG002 - others need it
        """Return the target itself."""
        return target


class CasSync(Plain):
    """This project, as its own command."""

    name = "cas-sync"
    program = str(Path(sys.executable).with_name("cas-sync"))
    stores = ("s3", "folder")

    def prepare(self, place: Place) -> None:
        """Begin the repository."""
        run_untimed(self.command(place, "init", "--store", self._url(place)))

    def push(self, place: Place) -> Sequence[Command]:
        """Return the one command of every day."""
        return [self.command(place, "sync", "--yes")]

    def clone(self, place: Place, target: Path) -> Sequence[Command]:
        """Return a clone by somebody whose caches are empty."""
        return [self.joining(place, target, "other")]

    def cloned(self, place: Place, target: Path) -> Path:  # noqa: ARG002 - others need it
        """Return the data folder of the clone."""
        return target / "Data"

    def command(self, place: Place, *args: str, home: str = "home") -> Command:
        """Return a command in the project, by who lives at ``home``."""
        return Command((self.program, *args), place.project, self._env(place, home))

    def joining(self, place: Place, target: Path, home: str) -> Command:
        """Return a clone by who lives at ``home``."""
        args = (self.program, "clone", self._url(place), str(target))
        return Command(args, place.root, self._env(place, home))

    def _env(self, place: Place, home: str) -> dict[str, str]:
        own = place.root / home
        return place.env(
            home,
            CAS_SYNC_CACHE_DIR=str(own / "cache"),
            CAS_SYNC_STATE_DIR=str(own / "state"),
            CAS_SYNC_USER="benchmark",
        )

    def _url(self, place: Place) -> str:
        return (
            f"s3://{place.bucket_path}" if place.store.kind != "folder" else str(place.folder)
        )
