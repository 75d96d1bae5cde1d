"""What people are told of a history, with what differs from run to run made the same."""

import re

from tests.support.people import Person

_TIME = re.compile(r"(?:today|yesterday) \d\d:\d\d")
_IN_FULL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def told(person: Person, *args: str) -> list[str]:
    """Run a command; return its lines with ids as ``<1>`` (the number of the commit).

    Times are ``today`` or ``<time>``, and spaces are one.
    """
    text = person.run(*args).stdout
    for commit in person.log():
        text = text.replace(commit["id"], f"<{commit['seq']}>")
        text = text.replace(commit["id"][:8], f"<{commit['seq']}>")
    text = _IN_FULL.sub("<time>", _TIME.sub("today", text))
    return [" ".join(line.split()) for line in text.splitlines()]
