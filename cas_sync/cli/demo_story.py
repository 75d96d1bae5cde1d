"""The story of `cas-sync demo`: two people, one folder store, the real commands.

Every command runs in this process as the command line runs it, with caches, home and
configuration below the demo's own folder. What is claimed is compared byte for byte.
"""

import io
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cas_sync.cli.exit_codes import INCOMPLETE, OK
from cas_sync.cli.render import plural, size
from cas_sync.errors import CasSyncError
from cas_sync.model.paths import STATE_DIR

USERS, EVENTS = "clean/users.csv", "raw/events.csv"
N_USERS = 5_000
_STATE = "the demo works in a folder of its own; nothing of yours was touched"
_FOREIGN = ("CAS_SYNC_", "AWS_", "XDG_")
_HOMES = ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA")


class Teller(Protocol):
    """Tells the story to whoever listens."""

    def did(self, who: str, what: str) -> None:
        """Tell what somebody did without a command."""

    def ran(self, who: str, command: str, outcome: str, event: dict[str, Any]) -> None:
        """Tell what a command came to; ``event`` is its last one."""

    def checked(self, claim: str) -> None:
        """Tell that a claim was found true."""


@dataclass(frozen=True)
class Somebody:
    """A person with a project folder.

    Attributes:
        name: Signs the commits.
        home: Holds the project, and all that a command keeps elsewhere.
    """

    name: str
    home: Path

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.home / "Data"

    def files(self) -> dict[str, bytes]:
        """Return the bytes of every file but the bookkeeping."""
        found = (each for each in self.data.rglob("*") if each.is_file())
        named = {each.relative_to(self.data).as_posix(): each for each in found}
        return {
            path: each.read_bytes()
            for path, each in sorted(named.items())
            if not path.startswith(f"{STATE_DIR}/")
        }

    def change(self, path: str, edit: Callable[[bytes], bytes]) -> None:
        """Edit a file."""
        target = self.data / path
        target.write_bytes(edit(target.read_bytes()))


class Story:
    """Two people share files, disagree, lose one and get it back.

    Args:
        place: An empty folder; all of it happens there.
        teller: Is told what happens.
        n_events: Rows of the larger file.
    """

    def __init__(self, place: Path, teller: Teller, *, n_events: int) -> None:
        self.n_checks = 0
        self._sent_at_first = 0
        self._last: tuple[str, str, dict[str, Any]] = ("", "", {})
        self._teller = teller
        self._n_events = n_events
        self._ana = Somebody("Ana", place / "ana")
        self._ben = Somebody("Ben", place / "ben")
        for each in (self._ana, self._ben):
            each.home.mkdir(parents=True)

    def play(self) -> None:
        """Play it to its end.

        Raises:
            CasSyncError: A command failed, or a claim does not hold.
        """
        self._share()
        self._correct_a_line()
        self._disagree()
        self._lose_and_find()
        self._end()

    def _share(self) -> None:
        ana, ben = self._ana, self._ben
        users = b"".join(_users())
        events = b"".join(_events(self._n_events))
        for path, data in ((USERS, users), (EVENTS, events)):
            target = ana.data / path
            target.parent.mkdir(parents=True)
            target.write_bytes(data)
        made = f"{USERS} ({size(len(users))}), {EVENTS} ({size(len(events))})"
        if (package := Path(json.__file__).parent).is_dir():
            skipped = shutil.ignore_patterns("__pycache__")
            shutil.copytree(package, ana.data / "code" / "json", ignore=skipped)
            made += " and the sources of Python's json"
        self._teller.did("Ana", f"has {made}")
        files = ana.files()
        what = f"{plural(len(files), 'file')}, {size(sum(map(len, files.values())))}"
        first = self._run(ana, "sync", "--yes", "--store", "../store")
        self._tell(f"{what}: {_published(first)}, {size(first['bytes_up'])} sent")
        self._check("every file was published", first["uploaded"] == len(files))
        self._sent_at_first = first["bytes_up"]
        joined = self._run(ben, "sync", "--yes", "--store", "../store")
        self._tell(f"{plural(joined['downloaded'], 'file')} downloaded")
        self._check("Ben has Ana's files, byte for byte", ben.files() == ana.files())

    def _correct_a_line(self) -> None:
        ana, ben = self._ana, self._ben
        ana.change(EVENTS, _correct_middle)
        whole = (ana.data / EVENTS).stat().st_size
        self._teller.did("Ana", f"corrects one of {self._n_events:,} lines of {EVENTS}")
        sent = self._run(ana, "sync", "--yes", "-m", "one line corrected")
        self._tell(f"{_published(sent)}, {size(sent['bytes_up'])} sent of {size(whole)}")
        is_little = sent["bytes_up"] < self._sent_at_first / 2
        self._check("the rest was in the store and not sent again", is_little)
        got = self._run(ben, "sync", "--yes")
        self._tell(f"{plural(got['downloaded'], 'file')} downloaded")
        self._check("Ben has the corrected file", ben.files() == ana.files())

    def _disagree(self) -> None:
        ana, ben = self._ana, self._ben
        ana.change(USERS, lambda data: data + b"5001,Zoe,FR,gold\n")
        ben.change(USERS, lambda data: data.replace(b"\n7,", b"\n0007,"))
        hers, his = ana.files()[USERS], ben.files()[USERS]
        self._teller.did("Both", f"edit {USERS}")
        self._tell(_published(self._run(ana, "sync", "--yes")))
        met = self._run(ben, "sync", "--yes", exits=INCOMPLETE)
        self._tell(f"conflict in {', '.join(met['conflicts'])}: left alone on both sides")
        self._check("Ben's edit is untouched", ben.files()[USERS] == his)
        self._check("Ana's edit is untouched", ana.files()[USERS] == hers)
        both = self._run(ben, "resolve", USERS, "--both")
        self._tell(f"{_published(both)}, both are kept")
        self._tell_sync(ana)
        mine = [path for path, data in ana.files().items() if data == his]
        self._check("Ana's version kept the name", ana.files()[USERS] == hers)
        self._check(f"Ben's is beside it, as {''.join(mine)}", len(mine) == 1)

    def _lose_and_find(self) -> None:
        ana, ben = self._ana, self._ben
        lost = (ana.data / EVENTS).read_bytes()
        (ana.data / EVENTS).unlink()
        self._teller.did("Ana", f"deletes {EVENTS} by accident")
        gone = self._run(ana, "sync", "--yes")
        self._tell(f"{plural(gone['deleted_remote'], 'file')} deleted for everyone")
        self._tell_sync(ben)
        self._check("it is gone for Ben too", EVENTS not in ben.files())
        self._run(ben, "restore", EVENTS, "--rev", "@~1", "--yes")
        self._tell("back from the commit before the latest")
        self._check("it is back, byte for byte", ben.files().get(EVENTS) == lost)

    def _end(self) -> None:
        self._tell_sync(self._ben)
        self._tell_sync(self._ana)
        same = self._ana.files() == self._ben.files()
        self._check("Ana and Ben have the same files, byte for byte", same)
        last = self._run(self._ana, "sync", "--yes")
        n = sum(last["requests"].values())
        self._tell(f"already in sync, {plural(n, 'request')}")
        self._check("nothing was left to do", not last["published"] and not last["downloaded"])

    # -- telling and checking -------------------------------------------------------

    def _tell_sync(self, who: Somebody) -> None:
        done = self._run(who, "sync", "--yes")
        parts = [
            f"{plural(done[key], 'file')} {word}"
            for key, word in (
                ("uploaded", "published"),
                ("downloaded", "downloaded"),
                ("deleted_local", "deleted here"),
            )
            if done[key]
        ]
        self._tell(", ".join(parts) or "nothing to do")

    def _tell(self, outcome: str) -> None:
        self._teller.ran(*self._last[:2], outcome, self._last[2])

    def _check(self, claim: str, holds: object) -> None:
        if not holds:
            raise CasSyncError(
                f"the demo did not come out as it should: {claim}", cause="it does not hold",
                code="E902", fix="cas-sync demo --keep DIR     leaves everything to look at",
                state=_STATE,
            )  # fmt: skip
        self.n_checks += 1
        self._teller.checked(claim)

    # -- running --------------------------------------------------------------------

    def _run(self, who: Somebody, command: str, *args: str, exits: int = OK) -> dict[str, Any]:
        """Run a command as ``who``; return its last event."""
        from cas_sync.cli.main import group  # noqa: PLC0415 - it is what imports us

        quoted = (f'"{each}"' if " " in each else each for each in args)
        typed = " ".join(("cas-sync", command, *quoted))
        out, talk = io.StringIO(), io.StringIO()
        full = [command, "-C", str(who.home), *args, "--json"]
        with _environment(who), redirect_stdout(out), redirect_stderr(talk):
            code = group.main(full, prog_name="cas-sync", standalone_mode=False)
        events = [json.loads(line) for line in out.getvalue().splitlines()]
        if code != exits or not events:
            raise CasSyncError(
                f"the demo stopped at: {who.name} $ {typed}",
                cause=f"exit code {code}, not {exits}\n{talk.getvalue()}".strip(),
                code="E902",
                state=_STATE,
            )
        self._last = (who.name, typed, events[-1])
        found: dict[str, Any] = events[-1]
        return found


@contextmanager
def _environment(who: Somebody) -> Iterator[None]:
    """Let commands see nobody's settings, caches and credentials but ``who``'s."""
    saved = dict(os.environ)
    kept = {name: value for name, value in saved.items() if not name.startswith(_FOREIGN)}
    own = {
        "CAS_SYNC_USER": who.name,
        "CAS_SYNC_CACHE_DIR": str(who.home / "cache"),
        "CAS_SYNC_STATE_DIR": str(who.home / "state"),
    }
    os.environ.clear()
    os.environ.update({**kept, **dict.fromkeys(_HOMES, str(who.home)), **own})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(saved)


def _published(summary: dict[str, Any]) -> str:
    return f"published {str(summary['commit'])[:8]}"


# -- the files --------------------------------------------------------------------------


def _users() -> Iterator[bytes]:
    random_ = random.Random(1)  # noqa: S311 - rows of a table, no secret
    yield b"id,name,country,segment\n"
    for number in range(1, N_USERS + 1):
        name = random_.choice(("Ana", "Ben", "Mia", "Sam", "Noor", "Li"))
        country = random_.choice(("DE", "ES", "FR", "IN", "KE", "BR"))
        yield f"{number},{name},{country},{random_.choice(('gold', 'none'))}\n".encode()


def _events(n_rows: int) -> Iterator[bytes]:
    random_ = random.Random(2)  # noqa: S311 - rows of a table, no secret
    yield b"second,user,event,amount,session\n"
    for second in range(n_rows):
        event = random_.choice(("view", "click", "buy", "leave"))
        user, amount = random_.randrange(1, N_USERS), random_.randrange(10**5) / 100
        yield b"%d,%d,%s,%.2f,%016x\n" % (
            second,
            user,
            event.encode(),
            amount,
            random_.getrandbits(64),
        )


def _correct_middle(data: bytes) -> bytes:
    """Put another line in the place of one in the middle."""
    start = data.index(b"\n", len(data) // 2) + 1
    end = data.index(b"\n", start)
    return data[:start] + b"0,0,corrected,0.00," + data[end:]
