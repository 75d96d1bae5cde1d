"""From an address to the bucket behind it.

Opening does not reach for the network; a folder user never imports the AWS library.
"""

import os
import re
from urllib.parse import urlsplit
from urllib.request import url2pathname

from cas_sync.errors import ConfigError
from cas_sync.store.bucket import Bucket, StoreAddress
from cas_sync.store.folder import FolderBucket

SUPPORTED = ("s3://bucket/prefix", "file:///path/to/folder", "/path/to/folder")
"""What a store may look like, for messages."""

PLATFORMS = "cas_sync.platforms"
"""Entry point group by which other packages add stores."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")  # two letters or more: C:\ is a drive


def open_bucket(address: StoreAddress) -> Bucket:
    """Return the bucket at ``address``; nothing is sent before it is used.

    Raises:
        ConfigError: The address is not one of a supported store.
    """
    url = address.url.strip()
    if not url:
        raise ConfigError("the store has no address", fix=_choices(), code="E108")
    scheme = match[1].lower() if (match := _SCHEME.match(url)) else ""
    if scheme == "s3":
        # Imported here because the AWS library takes longer to load than most commands.
        from cas_sync.store.s3 import S3Bucket  # noqa: PLC0415

        return S3Bucket(address)
    if scheme in ("http", "https"):
        raise ConfigError(
            f"{url} is a web address, not a store",
            fix="give the store as s3://bucket/prefix and the server as endpoint_url",
            code="E108",
        )
    folder = folder_of(url)
    if folder is None:
        return _open_elsewhere(scheme, address)
    return FolderBucket(folder, url=url)


def _open_elsewhere(scheme: str, address: StoreAddress) -> Bucket:
    """Return the bucket of a platform that another package brings.

    Such a package names a class, in the entry point group `PLATFORMS`, that has ``schemes``
    (a tuple of texts) and ``open_bucket`` (an address in, a bucket out).
    """
    # Imported here because it takes as long to load as all of this package.
    from importlib.metadata import entry_points  # noqa: PLC0415

    broken = []
    for each in entry_points(group=PLATFORMS):
        try:
            platform = each.load()
        except Exception as error:  # noqa: BLE001 - whatever other people's code raises
            broken.append(f"{each.name} could not be loaded: {error}")
            continue
        if scheme in getattr(platform, "schemes", ()):
            bucket: Bucket = platform.open_bucket(address)
            return bucket
    raise ConfigError(
        f"{address.url} is not a store that is known here",
        cause="; ".join(broken) or f"no installed package opens {scheme}:// addresses",
        fix=_choices(),
        code="E108",
    )


def folder_of(url: str) -> str | None:
    """Return the folder that ``url`` names; `None` where it names something else.

    Raises:
        ConfigError: It is a file URL without a folder.
    """
    match = _SCHEME.match(url)
    if match is None:
        return os.path.expanduser(url)  # noqa: PTH111 (text, not yet a path)
    return _path_of_file_url(url) if match[1].lower() == "file" else None


def _path_of_file_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.netloc in ("", "localhost"):
        path = url2pathname(parts.path)
    elif os.name == "nt":  # pragma: no cover
        path = url2pathname(f"//{parts.netloc}{parts.path}")
    else:
        path = ""
    if not os.path.isabs(path) or parts.query or parts.fragment:  # noqa: PTH117 (text)
        raise ConfigError(
            f"{url} does not name a folder",
            cause="a file URL has three slashes: file:///path/to/folder",
            fix=_choices(),
            code="E108",
        )
    return path


def _choices() -> str:
    return "use " + " or ".join(SUPPORTED)
