"""Changing one value in JSON that people wrote; every other character stays."""

import json
import re

from cas_sync.formats import json_text
from cas_sync.formats.json_text import Member, members, object_start


def set_member(text: str, key: str, value: object) -> str:
    """Return ``text`` with the value of one key changed or added.

    Args:
        text: A valid JSON object.
        key: Name of a member; ``outer.inner`` for one of an inner object.
        value: What to put there, as JSON has it.
    """
    outer, _, inner = key.partition(".")
    if not inner:
        return _put(text, object_start(text), outer, _dump(value))
    found = _find(text, object_start(text), outer)
    if found is None or text[found.value] != "{":
        return _put(text, object_start(text), outer, _dump({inner: value}))
    return _put(text, found.value, inner, _dump(value))


def remove_member(text: str, key: str) -> str | None:
    """Return ``text`` without one key; `None` if it is not there.

    An inner object that would be left empty goes as well.
    """
    outer, _, inner = key.partition(".")
    start = object_start(text)
    found = _find(text, start, outer)
    if found is None:
        return None
    if inner:
        if text[found.value] != "{" or _find(text, found.value, inner) is None:
            return None
        if len(list(members(text, found.value))) > 1:
            return _cut(text, found.value, inner)
    return _cut(text, start, outer)


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _find(text: str, start: int, key: str) -> Member | None:
    return next((each for each in members(text, start) if each.key == key), None)


def _put(text: str, start: int, key: str, value: str) -> str:
    here = list(members(text, start))
    for member in here:
        if member.key == key:
            return text[: member.value] + value + text[member.end :]
    new = f"{_dump(key)}: {value}"
    if not here:
        newline = "\r\n" if "\r\n" in text else "\n"
        end = text.index("}", start)
        return f"{text[: start + 1]}{newline}  {new}{newline}{text[end:]}"
    last = here[-1]
    return f"{text[: last.end]},{_space_before(text, last.start) or ' '}{new}{text[last.end :]}"


def _cut(text: str, start: int, key: str) -> str:
    here = list(members(text, start))
    at = next(number for number, each in enumerate(here) if each.key == key)
    begin = here[at - 1].end if at else start + 1
    if at + 1 < len(here):
        # What follows moves up, with the space that stood before what goes.
        following = here[at + 1].start
        kept = "," if at else ""
        return text[:begin] + kept + _space_before(text, here[at].start) + text[following:]
    end = here[at].end
    return text[:begin] + (text[end:] if at else re.sub(r"^\s*", "", text[end:]))


def _space_before(text: str, at: int) -> str:
    stripped = text[:at].rstrip(json_text.SPACES)
    return text[len(stripped) : at]
