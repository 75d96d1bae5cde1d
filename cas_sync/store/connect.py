"""From an address to the bucket behind it.

Opening does not reach for the network; a folder user never imports the AWS library.
"""

import os
import re
from urllib.parse import urlsplit

from cas_sync.errors import ConfigError
from cas_sync.store.bucket import Bucket, StoreAddress
from cas_sync.store.folder import FolderBucket

SUPPORTED = ("s3://bucket/prefix", "file:///path/to/folder", "/path/to/folder")
"""What a store may look like, for messages."""

PLATFORMS = "cas_sync.platforms"
"""Entry point group by which other packages add stores."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")  # two letters or more: C:\ is a drive


def scheme_of(url: str) -> str:
    """Return how an address begins, ``s3`` of ``s3://bucket``; empty where it is a path."""
    match = _SCHEME.match(url)
    return match[1].lower() if match else ""


def read_address(text: str) -> str:
    """Return the address of a store without the space around it.

    Whatever says a store is read by this, so that no slip of the pen becomes a folder.

    Raises:
        ConfigError: It is empty, a web address, or begins as a URL does and is none.
    """
    url = text.strip()
    if not url:
        raise ConfigError("the store has no address", fix=_choices(), code="E108")
    scheme = scheme_of(url)
    rest = url[len(scheme) + 1 :]
    if scheme in ("", "file"):
        return url
    if scheme in ("http", "https"):
        raise ConfigError(
            f"{url} is a web address, not a store",
            fix="give the store as s3://bucket/prefix and the server as endpoint_url",
            code="E108",
        )
    if rest.startswith("//") and not (scheme == "s3" and rest.startswith("///")):
        return url
    if scheme == "s3":
        place = rest.replace("\\", "/").strip("/")
        fix = f"write it  s3://{place}" if place else "write it as s3://bucket/prefix"
        cause = "two slashes go before the bucket, one before the prefix: s3://bucket/prefix"
    else:
        fix = f"{_choices()}\nif it is a folder of that name:  ./{url}"
        cause = f'"{scheme}:" begins an address, and two slashes would follow'
    raise ConfigError(f"{url} is no address of a store", cause=cause, fix=fix, code="E108")


def open_bucket(address: StoreAddress) -> Bucket:
    """Return the bucket at ``address``; nothing is sent before it is used.

    Raises:
        ConfigError: The address is not one of a supported store.
    """
    url = read_address(address.url)
    scheme = scheme_of(url)
    if scheme == "s3":
        # Imported here because the AWS library takes longer to load than most commands.
        from cas_sync.store.s3 import S3Bucket  # noqa: PLC0415

        return S3Bucket(address)
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
    scheme = scheme_of(url)
    if not scheme:
        return os.path.expanduser(url)  # noqa: PTH111 (text, not yet a path)
    return _path_of_file_url(url) if scheme == "file" else None


def _path_of_file_url(url: str) -> str:
    # Imported here because it loads an HTTP client, and few stores are file URLs.
    from urllib.request import url2pathname  # noqa: PLC0415

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
