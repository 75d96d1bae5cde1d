"""Names of content. A name that exists is well formed."""

from typing import Self

from blake3 import blake3

DIGEST_BYTES = 32


class ObjectId(bytes):
    """BLAKE3-256 digest of some bytes: the name of a chunk, a file, a page or a commit.

    Two objects are equal exactly when their ids are equal. As text it is 64 lower-case
    hex digits, which is what ``b3sum`` prints.
    """

    __slots__ = ()

    def __new__(cls, digest: bytes | memoryview) -> Self:
        """Take a digest of exactly 32 bytes.

        Raises:
            ValueError: ``digest`` has another length.
        """
        if len(digest) != DIGEST_BYTES:
            raise ValueError(f"digest is {len(digest)} bytes, not {DIGEST_BYTES}")
        return super().__new__(cls, digest)

    @classmethod
    def of(cls, data: bytes | bytearray | memoryview) -> Self:
        """Return the id of ``data``."""
        return cls(blake3(data).digest())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the id written as 64 lower-case hex digits.

        Raises:
            ValueError: ``text`` is anything else.
        """
        if len(text) != 2 * DIGEST_BYTES or text != text.lower():
            raise ValueError(f"not an object id: {text[:80]!r}")
        return cls(bytes.fromhex(text))

    def __str__(self) -> str:
        """Return 64 lower-case hex digits."""
        return self.hex()

    def __repr__(self) -> str:
        """Return a short form for people who debug."""
        return f"ObjectId({self.hex()[:8]})"
