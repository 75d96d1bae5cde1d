"""Tags: the names people give to commits. docs/design.md, section 5.8.

A name is never also an id, a number or a time, so what a revision means does not depend
on which tags there are.
"""

import re
import unicodedata
from typing import NamedTuple

from cas_sync.errors import FormatError
from cas_sync.formats.moments import STORED, looks_like_moment
from cas_sync.formats.strict_json import HEX32, LINE, check_self, parse, self_hashed
from cas_sync.model.ids import ObjectId
from cas_sync.model.tree import Timestamp

MAX_NAME = 64
"""The longest name, in bytes of UTF-8."""

MAX_NUMBER = 99_999_999
"""How often a tag may be set, moved or removed."""

_ID = re.compile(r"[0-9a-f]{4,}", re.ASCII | re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]+", re.ASCII)
_MEANT = {
    "@": "@ is the latest commit",
    "#": "# begins a number",
    ":": "a colon ends a revision, as in v1:clean/users.csv",
    "~": "~ counts back from a revision",
    "/": "/ belongs to paths",
    "\\": "\\ belongs to paths",
}
_FIRST_ONLY = "#"
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Zs"}


class Tag(NamedTuple):
    """What a name stands for, since somebody said so.

    Attributes:
        name: The name.
        commit: The commit's id; `None` where the name was taken back.
        seq: The commit's number; that of the last one where the name was taken back.
        tagger: Who said so.
        time: When, by their clock.
        message: Why; may be empty.
    """

    name: str
    commit: ObjectId | None
    seq: int
    tagger: str
    time: Timestamp
    message: str

    def __str__(self) -> str:
        """Return where it is: ``3f9c1a2b (#12)``."""
        return f"{self.commit.hex()[:8]} (#{self.seq})" if self.commit else "nowhere"


def normal(name: str) -> str:
    """Return a name as it is stored: in NFC, without spaces around it."""
    return unicodedata.normalize("NFC", name.strip())


def folded(name: str) -> str:
    """Return what two names have in common that people or disks may not keep apart."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def why_not_a_name(name: str) -> str:
    """Return why no tag may be called so; empty where one may."""
    if not name:
        return "it is empty"
    if any(unicodedata.category(char) in _UNSEEN and char != " " for char in name):
        return "it holds a character that cannot be seen"
    if len(name.encode()) > MAX_NAME:
        return f"it is longer than {MAX_NAME} bytes"
    if name != normal(name):
        return "it has spaces around it, or is not in Unicode's usual form (NFC)"
    if name.startswith("-"):
        return "it begins as an option does"
    for char, why in _MEANT.items():
        if char in (name[0] if char in _FIRST_ONLY else name):
            return why
    if _NUMBER.fullmatch(name):
        return "it is a number; #12 is the commit number 12"
    if _ID.fullmatch(name):
        return "it could be the beginning of a commit's id"
    if folded(name) == "head":
        return "it would be taken for the latest commit, which is @"
    if looks_like_moment(name):
        return "it is, or looks like, a date or time"
    return ""


def dump_tag(repo_id: str, number: int, tag: Tag) -> bytes:
    """Return the bytes of a tag.

    Args:
        repo_id: The repository.
        number: How many times this name was set, moved or taken back, this time included.
        tag: The tag.
    """
    return self_hashed(
        {
            "repo_id": repo_id,
            "name": tag.name,
            "number": number,
            "commit": str(tag.commit) if tag.commit else None,
            "seq": tag.seq,
            "tagger": tag.tagger,
            "time": tag.time,
            "message": tag.message,
        }
    )


def load_tag(data: bytes, repo_id: str, name: str, number: int) -> Tag:
    """Return the tag that the bytes under a name and number hold.

    Raises:
        FormatError: They are malformed, or are another tag's.
    """
    what = f"tag {name!r}, number {number}"
    fields = parse(data, what)
    check_self(data, fields, what)
    said = fields.text("repo_id", HEX32), fields.text("name"), fields.number("number")
    tag = Tag(
        said[1],
        fields.maybe_oid("commit"),
        fields.number("seq"),
        fields.text("tagger", LINE),
        Timestamp(fields.text("time", STORED)),
        fields.text("message", LINE),
    )
    fields.end()
    if said != (repo_id, name, number):
        raise FormatError(f"{what} holds another one: {said[1]!r}, number {said[2]}")
    if why := why_not_a_name(tag.name):
        raise FormatError(f"{what}: no tag may be called so: {why}")
    if not tag.seq:
        raise FormatError(f"{what}: no commit has the number 0")
    return tag
