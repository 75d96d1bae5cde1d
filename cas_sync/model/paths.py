r"""Paths as manifests know them: one policy, deny by default.

`parse_repo_path` is run on every path read from a store and on every name found on a
disk, so that nothing that passed it can leave the data folder, reach `.S3`, or hide a
control character. What only some systems cannot hold is allowed and told by
`unportable`. The cases come from git's fsck and its CVEs (2014-9390, 2019-1351 to 1353).
"""

import re
import unicodedata
from typing import NewType

RepoPath = NewType("RepoPath", str)
"""Relative path with ``/`` between components, in Unicode NFC, that passed the policy."""

STATE_DIR = ".S3"
"""Folder of all bookkeeping, here and under the prefix; never part of a tree."""

MAX_COMPONENT_BYTES = 255
MAX_PATH_BYTES = 4096
MAX_DEPTH = 256

# The common case, let through at once: plain names of no special meaning anywhere.
_PLAIN = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.+ -]*/)*[A-Za-z0-9_][A-Za-z0-9_.+ -]*")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_BACKSLASH = "\\"
# Code points that HFS+, or ext4 where it folds case, leaves out when it compares names.
_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# What Windows calls `.S3` for old programs: also after several such names, with a hash.
_SHORT_NAME = re.compile(r"s3([0-9a-f]{4})?~\d+")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[1-9¹²³]|lpt[1-9¹²³]|conin\$|conout\$)(\..*)?")
_WINDOWS_ILLEGAL = re.compile(r'[<>:"|?*]')


class PathRefusedError(ValueError):
    """A path that no tree may hold; the message says why."""


def parse_repo_path(text: str) -> RepoPath:
    """Return ``text`` as a path that is safe to join to any folder.

    Raises:
        PathRefusedError: It is not.
    """
    if len(text) < MAX_COMPONENT_BYTES and _PLAIN.fullmatch(text):
        return RepoPath(text)
    if not text:
        raise PathRefusedError("the path is empty")
    if _CONTROL.search(text):
        raise PathRefusedError("the name holds a control character")
    if _BACKSLASH in text:
        raise PathRefusedError("the name holds a backslash")
    if text.isascii():
        n_bytes = len(text)
    else:
        try:
            n_bytes = len(text.encode("utf-8"))
        except UnicodeEncodeError:
            raise PathRefusedError("the name is not valid Unicode") from None
        if unicodedata.normalize("NFC", text) != text:
            raise PathRefusedError("the name is not in Unicode normal form C")
    if n_bytes > MAX_PATH_BYTES:
        raise PathRefusedError(f"the path is longer than {MAX_PATH_BYTES} bytes")
    components = text.split("/")
    if len(components) > MAX_DEPTH:
        raise PathRefusedError(f"the path is more than {MAX_DEPTH} folders deep")
    for name in components:
        _check_component(name)
    return RepoPath(text)


def _check_component(name: str) -> None:
    if name in {"", ".", ".."}:
        raise PathRefusedError("the path has an empty, '.' or '..' component")
    if len(name) > MAX_COMPONENT_BYTES // 4 and len(name.encode()) > MAX_COMPONENT_BYTES:
        raise PathRefusedError(f"a name is longer than {MAX_COMPONENT_BYTES} bytes")
    if ("3" in name or not name.isascii()) and _is_state_dir(name):
        raise PathRefusedError(f"the name could be taken for {STATE_DIR}")


def _is_state_dir(name: str) -> bool:
    bare = _IGNORABLE.sub("", unicodedata.normalize("NFKC", name)).casefold()
    bare = bare.partition(":")[0].rstrip(". ")  # NTFS: what follows the colon is a stream
    return bare == STATE_DIR.casefold() or _SHORT_NAME.fullmatch(bare) is not None


def sort_key(path: str) -> str:
    """Return the key that orders paths by their components.

    A sorted walk of a folder meets files in this order: ``a/b`` comes before ``a.b``
    because everything below the folder ``a`` comes before what sorts after ``a``.
    """
    return path.replace("/", "\0")


def path_of(key: str) -> RepoPath:
    """Return the path that `sort_key` made a key of."""
    return RepoPath(key.replace("\0", "/"))


def is_below(path: str, folder: str) -> bool:
    """Say whether ``path`` is ``folder`` or lies below it; all lies below the empty text."""
    return not folder or path == folder or path.startswith(folder + "/")


def keys_below(path: str) -> tuple[str, str | None]:
    """Return the keys of a path and of all that lies below it, as a range.

    Returns:
        The first that is meant, and the first after it that is not; `None` where all are, as
        they are below the empty text.
    """
    if not path:
        return "", None
    key = sort_key(path)
    # No name holds a control character, so nothing else comes between.
    return key, key + "\x01"


def fold(name: str) -> str:
    """Return what a case-folding, normalising disk takes ``name`` for."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def unportable(path: str) -> str:
    """Return why Windows cannot hold ``path``, or an empty string."""
    for name in path.split("/"):
        if found := _WINDOWS_ILLEGAL.search(name):
            return f"Windows allows no {found.group()} in a name"
        if name[-1] in ". ":
            return "Windows drops a dot or space at the end of a name"
        if _RESERVED.fullmatch(name.lower()):
            return f"Windows reserves the name {name}"
    return ""
