"""What others left below a prefix: their objects, and the rows s3synchrony kept of them."""

from typing import NamedTuple

from cas_sync.model.tree import Timestamp

UNKNOWN = "unknown"
"""Stands for a person nobody noted."""


class ForeignObject(NamedTuple):
    """An object below the prefix that is not ours.

    Attributes:
        key: Its name below the prefix, as the store has it.
        size: Length in bytes.
        modified_ns: When it was last written, in nanoseconds since 1970.
        version: What the store says of its bytes; empty where that is nothing.
        problem: Why it cannot be read; empty where it can.
    """

    key: str
    size: int
    modified_ns: int
    version: str = ""
    problem: str = ""


class SeedRow(NamedTuple):
    """A row of one of s3synchrony's manifests.

    Attributes:
        name: The file, as text; it may be no path.
        editor: Who; ``unknown`` where the row does not tell.
        edited: When; `None` where the row does not tell.
        md5: Checksum of the content, as 32 lower-case hex digits.
    """

    name: str
    editor: str
    edited: Timestamp | None
    md5: str
