"""Text cells that a spreadsheet does not run.

A cell that begins like a formula is written with an apostrophe in front. The apostrophe
itself is guarded too, so that every text comes back as it was; so is ``#``, which marks
the closing row of a file.
"""

_GUARDED = frozenset("=+-@'#\uff1d\uff0b\uff0d\uff20")  # the last four are full-width =+-@


def escape(text: str) -> str:
    """Return ``text`` as it is written into a cell."""
    return "'" + text if text[:1] in _GUARDED else text


def unescape(text: str) -> str:
    """Return the text that a cell holds; undoes `escape`."""
    return text[1:] if text[:1] == "'" else text
