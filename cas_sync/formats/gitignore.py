""".gitignore as text: whether a folder is in it, and the one line that puts it there."""

import re

FILE_NAME = ".gitignore"

_SPECIAL = re.compile(r"([*?\[\]\\])")


def pattern(folder: str, *, is_link: bool = False) -> str:
    """Return the line that makes git ignore a folder.

    Args:
        folder: Relative to the folder of the file, with ``/`` between its parts.
        is_link: Whether it is a symbolic link, which git takes for a file.
    """
    text = _SPECIAL.sub(r"\\\1", folder)
    if is_link:
        return "/" + re.sub(r" $", r"\\ ", text)
    return f"/{text}/"


def holds(data: bytes, folder: str) -> bool:
    """Say whether a line of the file plainly names a folder; where git itself is not asked."""
    line = pattern(folder).strip("/")
    spellings = {f"{start}{line}{end}" for start in ("", "/") for end in ("", "/", "/*", "/**")}
    lines = data.decode("utf-8-sig", "replace").splitlines()
    return any(each.strip() in spellings for each in lines)


def with_line(data: bytes, line: str) -> bytes:
    """Return the file with one more line at its end, and every byte before as it was.

    The line ends as the others do, and a last line that has no end gets one.
    """
    end = b"\r\n" if b"\r\n" in data else b"\n"
    joint = b"" if not data or data.endswith(b"\n") else end
    return data + joint + line.encode() + end
