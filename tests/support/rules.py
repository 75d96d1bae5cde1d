"""Rules of what is ignored, as short as a test wants them."""

from collections.abc import Iterable

from cas_sync.plan.ignore_rules import IgnoreRules, Rule


def rules(*patterns: str, exact: Iterable[str] = ()) -> IgnoreRules:
    """Return the rules of a `.casignore` and a list of exact paths."""
    return IgnoreRules(
        (Rule(".casignore", n, text) for n, text in enumerate(patterns, 1)),
        (Rule(".S3/ignore_remote.txt", n, text) for n, text in enumerate(exact, 1)),
    )
