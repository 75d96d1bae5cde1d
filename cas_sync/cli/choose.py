"""Picking from a numbered list, in the words of `plan/select.py`."""

from collections.abc import Callable, Iterable

from cas_sync.cli.terminal import ask, say
from cas_sync.plan.outline import G, Outline
from cas_sync.plan.select import Misread, parse_selection, spans
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
    names = [row.path for row in outline.rows if row.path]
    while True:
        line = ask("Which? all, none, 1,3, 5-7, !4, *.csv  (Enter = none): ")
        if line is None:
            return None
        if line == "?":
            say(_HELP)
            continue
        found = parse_selection(line, len(outline.rows), names)
        if isinstance(found, Misread):
            say(f"{found.message}; ? explains")
            continue
        break

    def chosen(step: Step) -> bool:
        number = outline.number_of(step)
        return number is not None and found.takes(number, step.path)

    numbers = {outline.number_of(step) or 0 for step in steps() if chosen(step)}
    say(f"Selected {len(numbers)} of {len(outline.rows)}: {spans(numbers) or 'none'}")
    return chosen
