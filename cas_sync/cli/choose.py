"""Picking from a numbered list, in the words of `plan/select.py`."""

from collections.abc import Callable, Collection, Iterable, Sized

from cas_sync.cli.terminal import ask, say
from cas_sync.plan.outline import G, Outline
from cas_sync.plan.select import Misread, Selection, parse_selection, spans
from cas_sync.plan.step import Step

Chosen = Callable[[Step], bool]

_HELP = """\
  1,3  5-7  3-   numbers and ranges        all  none     everything, nothing
  !4             all but that              *.csv  img/   what matches, as in .gitignore
  Later items win:  all !img/ img/logo.png"""


def choose(outline: Outline[G], steps: Callable[[], Iterable[Step]]) -> Chosen | None:
    """Ask which rows are meant until the answer can be read; `None` at the end of input.

    Args:
        outline: The list as it was shown.
        steps: Yields the steps it was made of.
    """
    found = ask_which(len(outline.rows), [row.path for row in outline.rows if row.path])
    if found is None:
        return None

    def chosen(step: Step) -> bool:
        number = outline.number_of(step)
        return number is not None and found.takes(number, step.path)

    echo_choice(
        {outline.number_of(step) or 0 for step in steps() if chosen(step)}, outline.rows
    )
    return chosen


def ask_which(n: int, names: Collection[str]) -> Selection | None:
    """Ask which of ``n`` rows are meant until the answer can be read.

    Args:
        n: Number of rows.
        names: Paths in the list that may be typed as they are.

    Returns:
        The choice; `None` at the end of input.
    """
    while True:
        line = ask("Which? all, none, 1,3, 5-7, !4, *.csv  (Enter = none): ")
        if line is None:
            return None
        if line == "?":
            say(_HELP)
            continue
        found = parse_selection(line, n, names)
        if isinstance(found, Misread):
            say(f"{found.message}; ? explains")
            continue
        return found


def echo_choice(numbers: Collection[int], rows: Sized) -> None:
    """Say which rows a choice has anything of."""
    say(f"Selected {len(numbers)} of {len(rows)}: {spans(numbers) or 'none'}")
