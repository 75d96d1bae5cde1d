"""Names that may have been meant by one that is not there."""

import difflib
from collections.abc import Callable, Iterable

MOST = 3
"""So many names are suggested."""

_LONGEST = 256
"""For a longer name, in characters, nothing is suggested: comparing takes too long."""

_HELD = 2_000
"""So many names of each kind are compared."""


def near_names(
    name: str, names: Iterable[str], look: Callable[[str], str] = str.casefold
) -> list[str]:
    """Return up to `MOST` of ``names`` that are spelled like an unknown one, the nearest first.

    Args:
        name: The unknown one.
        names: Those that are known.
        look: Returns what people may not tell apart in a name; names of the same look are near,
            and then no others are.
    """
    if len(name) > _LONGEST:
        return []
    by_look: dict[str, list[str]] = {}
    for each in names:
        by_look.setdefault(look(each), []).append(each)
    wanted = look(name)
    # One letter of two is all there is to compare in v1 and v2.
    cutoff = 0.5 if len(wanted) < 4 else 0.6
    alike = [wanted] if wanted in by_look else []
    found = alike or difflib.get_close_matches(wanted, by_look, MOST, cutoff)
    return [each for key in found for each in by_look[key]][:MOST]


def near_paths(path: str, paths: Iterable[str]) -> list[str]:
    """Return up to `MOST` names among ``paths`` that may have been meant by an unknown path.

    Those are files called the same elsewhere, and what the same folder holds.
    """
    folder, slash, name = path.rpartition("/")
    above = folder + slash
    elsewhere: set[str] = set()
    beside: set[str] = set()
    for each in paths:
        if each.rpartition("/")[2] == name and len(elsewhere) < _HELD:
            elsewhere.add(each)
        if each.startswith(above) and len(beside) < _HELD:
            beside.add(each[len(above) :].partition("/")[0])
    spelled = (above + each for each in near_names(name, sorted(beside)))
    return list(dict.fromkeys([*sorted(elsewhere), *spelled]))[:MOST]


def near_it(found: Iterable[str]) -> str:
    """Return what is near as words, for an error's cause; empty where nothing is."""
    said = ", ".join(found)
    return f"near it: {said}" if said else ""
