"""What a bucket does with objects by itself: removes, moves or keeps them."""

from contextlib import closing
from typing import NamedTuple

from cas_sync.store.bucket import StoreAddress
from cas_sync.store.connect import read_address, scheme_of


class Rule(NamedTuple):
    """A lifecycle rule that is in force and is about objects of ours.

    Attributes:
        name: What its maker called it; may be empty.
        deletes: Whether objects go; else they are moved to where nobody can read them.
        what: What it does and when, in a few words.
    """

    name: str
    deletes: bool
    what: str


class Terms(NamedTuple):
    """What a bucket does by itself.

    Attributes:
        rules: Those that are about objects of ours; `None` where we may not know.
        keeps_versions: Whether deleted and replaced objects are kept; `None` where we may
            not know.
        checks_sums: Whether a body is refused that is not what its CRC-32 says; `None`
            where nothing travels, or nothing may be written.
    """

    rules: tuple[Rule, ...] | None = ()
    keeps_versions: bool | None = False
    checks_sums: bool | None = None


def read_terms(address: StoreAddress) -> Terms:
    """Return what a bucket does by itself; a folder does nothing.

    Raises:
        StoreError: It did not answer.
        ConfigError: The address is not one of a supported store.
    """
    if scheme_of(read_address(address.url)) != "s3":
        return Terms()
    # Imported here because the AWS library takes longer to load than most commands.
    from cas_sync.store.s3 import S3Bucket  # noqa: PLC0415

    with closing(S3Bucket(address)) as bucket:
        return bucket.terms()
