"""AWS keys and passwords that were given to us; nothing here shows them."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """A pair of AWS keys, and the token of a temporary one.

    The text of it hides the secrets, so that it may stand in a message by mistake. It has
    no codec: nothing of ours writes it anywhere.

    Attributes:
        access_key_id: Names the key.
        secret_access_key: Proves it.
        session_token: Comes with keys that expire; `None` where they do not.
    """

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    def __repr__(self) -> str:
        """Return a text without the keys."""
        return "Credentials(hidden)"


def without_login(text: str) -> str:
    """Return a text without the user names and passwords of the addresses in it.

    They may stand in the address of a server or a proxy, which errors of libraries repeat.
    """
    return re.sub(r"//[^/\s]*@", "//", text)
