"""Values as text for people."""

from collections.abc import Iterable, Iterator

from cas_sync.plan.step import Act, Step
from cas_sync.plan.survey import Survey

SHOWN_PER_GROUP = 15

_GROUPS = (
    ("Upload", {Act.UPLOAD, Act.TAKE_OURS, Act.KEEP_BOTH, Act.SET_OURS_ASIDE}),
    ("Download", {Act.DOWNLOAD, Act.TAKE_THEIRS, Act.SET_THEIRS_ASIDE}),
    ("Delete in the store", {Act.DELETE_THERE}),
    ("Delete here", {Act.DELETE_HERE}),
    ("Conflict, left alone", {Act.CONFLICT}),
    ("Skipped", {Act.SKIP}),
)


def size(n_bytes: int) -> str:
    """Return a size in IEC units: ``2.4 MiB``."""
    value = float(n_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def plural(n: int, word: str) -> str:
    """Return ``1 file``, ``1,204 files``."""
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"


def plan_lines(survey: Survey) -> Iterator[str]:
    """Yield a plan as text, a block for each kind of change."""
    for title, acts in _GROUPS:
        total = sum(survey.acts[act] for act in acts)
        if not total:
            continue
        yield f"{title:<22} {plural(total, 'file')}"
        members = [step for step in survey.steps if step.act in acts]
        yield from _rows(members[:SHOWN_PER_GROUP])
        if total > SHOWN_PER_GROUP:
            yield f"    ... and {total - SHOWN_PER_GROUP:,} more"


def _rows(steps: Iterable[Step]) -> Iterator[str]:
    for step in steps:
        yield f"  {_marker(step)} {step.path}{_sizes(step)}{_who(step)}"


def _marker(step: Step) -> str:
    match step.act:
        case Act.DELETE_HERE | Act.DELETE_THERE:
            return "-"
        case Act.CONFLICT | Act.KEEP_BOTH:
            return "!"
        case Act.SKIP:
            return "?"
        case Act.DOWNLOAD:
            return "+" if step.ours is None else "~"
        case _:
            return "+" if step.theirs is None else "~"


def _sizes(step: Step) -> str:
    ours = step.ours.content if step.ours else None
    theirs = step.theirs.content if step.theirs else None
    if step.act in {Act.DOWNLOAD, Act.TAKE_THEIRS} and theirs:
        return f"   {size(theirs.size)}"
    if step.act in {Act.UPLOAD, Act.TAKE_OURS} and ours:
        return f"   {size(ours.size)}"
    return ""


def _who(step: Step) -> str:
    parts = []
    if step.act in {Act.DOWNLOAD, Act.CONFLICT, Act.TAKE_THEIRS} and step.theirs:
        parts.append(f"{step.theirs.editor}, {step.theirs.edited}")
    if step.reason:
        parts.append(step.reason)
    return f"   ({'; '.join(parts)})" if parts else ""
