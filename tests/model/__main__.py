"""Searches the models of the protocol: ``python -m tests.model [--full]``."""

import argparse
import sys
import time

from tests.model import commits, tags
from tests.model.search import Found, Protocol, search

SHORT = 60_000
FULL = 4_000_000


def sound() -> dict[str, Protocol]:
    """Return what has to hold, by name."""
    return {
        **{name: commits.Commits(rules).protocol() for name, rules in commits.SOUND.items()},
        **{name: tags.Tags(rules).protocol() for name, rules in tags.SOUND.items()},
    }


def weakened() -> dict[str, Protocol]:
    """Return what has to go wrong, by the line that is missing."""
    return {
        **{name: commits.Commits(rules).protocol() for name, rules in commits.WEAKENED.items()},
        **{name: tags.Tags(rules).protocol() for name, rules in tags.WEAKENED.items()},
    }


def _tell(name: str, found: Found, seconds: float) -> None:
    if found.wrong:
        print(f"{name}: {found.wrong}, after {len(found.trace)} steps")
        for i, step in enumerate(found.trace, start=1):
            print(f"    {i}. {step}")
        return
    how = "all" if found.is_all else "the first"
    print(f"{name}: {how} {found.states:,} states hold ({seconds:.0f} s)", flush=True)


def main() -> int:
    """Search them all; return 1 where one is not as it has to be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="up to four million states each")
    most = FULL if parser.parse_args().full else SHORT
    bad = 0
    for protocols, is_sound in ((sound(), True), (weakened(), False)):
        for name, protocol in protocols.items():
            began = time.monotonic()
            found = search(protocol, most)
            _tell(name, found, time.monotonic() - began)
            bad += bool(found.wrong) == is_sound
    return min(1, bad)


if __name__ == "__main__":
    sys.exit(main())
