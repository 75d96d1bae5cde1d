"""`cas://[REV@]path`: any version of the shared tree for pandas, pyarrow, DuckDB and others.

Read-only, through fsspec, which is the user's dependency and is imported nowhere else. It is
registered by an entry point: `pandas.read_csv("cas://v1@raw/x.csv")` needs no import of us.

What stands before the first ``@`` is a revision, if no ``/`` does: ``cas://v1@raw/x.csv``.
The revision stays part of a path, so that it is never lost on the way through a cache, a
glob or another library: names that are listed begin as the path did that was asked for.
"""

import errno
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, NoReturn, cast

from fsspec.spec import AbstractFileSystem, make_instance
from fsspec.utils import stringify_path

from cas_sync.api.arguments import PathLike, config_of
from cas_sync.api.cas_file import MOST_AHEAD, CasFile
from cas_sync.api.cas_path import Place, folders_above, split
from cas_sync.api.tree_reader import TreeReader
from cas_sync.engine.at_revision import Subfolder
from cas_sync.engine.revisions import LATEST, Revision
from cas_sync.engine.settings import load_settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.errors import UsageError
from cas_sync.model.tree import Entry, Mode, ns_of_timestamp

_MAGIC = re.compile(r"[*?\[]")
_LISTINGS = {"use_listings_cache", "listings_expiry_time", "max_paths"}
"""Options of every fsspec filesystem that mean nothing here: pages are immutable."""


class _CurrentFolder:
    """What tells instances apart beside their options: where they find their project."""

    def __get__(self, instance: object, owner: type) -> tuple[str, ...]:
        """Return the current folder, and what the environment says."""
        said = (f"{k}={v}" for k, v in os.environ.items() if k.startswith("CAS_SYNC_"))
        try:
            return os.getcwd(), *sorted(said)  # noqa: PTH109 - a text for a token
        except OSError:
            return tuple(sorted(said))


class CasFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """The shared tree at any revision, read-only.

    `fsspec.filesystem("cas", rev="v1")` reads the project of the current folder. What `rev`
    means is found when something is read for the first time and stays fixed: ``@`` is the
    latest commit of that moment until `invalidate_cache`. A revision in a path goes before
    `rev`. fsspec hands the same instance out again for the same options, folder and thread;
    an instance that travels to another process reads the very commit there that it reads
    here.

    Args:
        rev: ``@``, ``@~2``, a tag, an id, ``#12``, a date, ``3 days ago``.
        project: A folder with a configuration, or below one; the current one by default.
        options: As in `cas_sync.Project.open`: ``store``, ``profile``, ``region``, ...

    Raises:
        NotAProjectError: Nothing names a store.
        ConfigError: The configuration says what cannot be.
    """

    protocol = "cas"
    root_marker = ""
    blocksize = MOST_AHEAD
    _extra_tokenize_attributes = ("_current_folder",)
    _current_folder: ClassVar[_CurrentFolder] = _CurrentFolder()

    def __init__(
        self, rev: str | None = None, project: PathLike | None = None, **options: Any
    ) -> None:
        super().__init__()
        self.rev = rev or LATEST
        self._said = {name: v for name, v in options.items() if name not in _LISTINGS}
        self._folder = Path(project or ".").absolute()
        surroundings = Surroundings()
        self._settings = load_settings(
            self._folder, config_of(self._said, 'fsspec.filesystem("cas")'), surroundings.env
        )
        self.tree = TreeReader(self._settings, surroundings)

    @property
    def commit(self) -> str:
        """Id of the commit that paths without a revision are read from."""
        return str(self._revision(self.rev).id)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what makes the same elsewhere: the commit, not what was once its name."""
        address = self._settings.address
        found = {
            "store": address.url,
            "profile": address.profile,
            "region": address.region,
            "endpoint_url": address.endpoint_url,
        }
        options = {
            **{name: value for name, value in found.items() if value is not None},
            **self._said,
            "store": address.url,  # not as it was said: that may be relative to a folder
            "project": str(self._folder),
            "rev": self.commit,
        }
        return make_instance, (type(self), (), options)

    def invalidate_cache(self, path: str | None = None) -> None:
        """Find out again what revisions mean; files that are open stay what they are."""
        super().invalidate_cache(path)
        self.tree.forget()

    # -- paths ------------------------------------------------------------------------

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        """Return a path without ``cas://``; its revision stays, as a folder of its own.

        A path without ``cas://`` stays as it is: pyarrow looks for it in the names of files.
        """
        if isinstance(path, list):
            return [cls._strip_protocol(each) for each in path]
        text = stringify_path(path)
        stripped = cast("str", super()._strip_protocol(text)).lstrip("/")
        place = split(stripped)
        if text.startswith("cas://") and place.rev is not None:
            return f"{place.rev}@/{place.path}".rstrip("/")
        return stripped

    @classmethod
    def _parent(cls, path: str) -> str:
        place = split(cls._strip_protocol(path))
        folder = place.path.rpartition("/")[0]
        return f"{place.lead}{folder}" if folder else place.lead.rstrip("/")

    def _place(self, path: str) -> tuple[Place, Revision]:
        place = split(self._strip_protocol(path))
        try:
            return place, self._revision(self.rev if place.rev is None else place.rev)
        except UsageError as error:
            if place.rev is not None:
                name = f"{place.rev}@{place.path}"
                error.fix += f"\nif {name} is the name of a file:  cas://@@{name}"
            raise

    def _revision(self, rev: str) -> Revision:
        return self.tree.revision(rev)

    def _name(self, place: Place, path: str) -> str:
        """Return how a path is written so that it leads back here; ``place`` led to it."""
        if place.lead:
            slash = "/" if not place.path and place.lead.endswith("@") else ""
            return f"{place.lead}{slash}{path}"
        # A name with @ at the top would be read as a revision.
        return f"{self.rev}@{path}" if split(path).lead else path

    # -- looking ----------------------------------------------------------------------

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Return what a file or folder is; of a folder, no more than that it is one.

        Raises:
            FileNotFoundError: There is neither; the names near it are told.
        """
        del kwargs
        place, revision = self._place(path)
        asked = self._strip_protocol(path)
        try:
            row = self.tree.find(revision, place.path)
            if row is not None:
                return _file_info(asked, row)
            if self.tree.is_folder(revision, place.path):
                return _folder_info(asked)
            raise self.tree.unknown(revision, place.path)
        except UsageError as error:
            raise _not_found(error, asked) from error

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> list[Any]:  # noqa: FBT001, FBT002
        """Return what lies in a folder, without reading what lies in its subfolders.

        Raises:
            FileNotFoundError: There is no such folder or file.
        """
        del kwargs
        found = list(self._listing(path))
        if not found and (info := self.info(path))["type"] != "directory":
            found = [info]
        return found if detail else [each["name"] for each in found]

    def _listing(self, path: str) -> Iterator[dict[str, Any]]:
        place, revision = self._place(path)
        try:
            for each in self.tree.rows_in(revision, place.path):
                if isinstance(each, Subfolder):
                    yield _folder_info(self._name(place, each.path))
                else:
                    yield _file_info(self._name(place, each.path), each)
        except UsageError as error:
            raise _not_found(error, self._strip_protocol(path)) from error

    def find(
        self,
        path: str,
        maxdepth: int | None = None,
        withdirs: bool = False,  # noqa: FBT001, FBT002
        detail: bool = False,  # noqa: FBT001, FBT002
        **kwargs: Any,
    ) -> Any:
        """Return the files below a folder; without a depth they are read in one go.

        Returns:
            Names in order, or with ``detail`` what `info` says by name.
        """
        if maxdepth is not None:
            return super().find(path, maxdepth, withdirs, detail, **kwargs)
        place, revision = self._place(path)
        found: dict[str, dict[str, Any]] = {}
        folders: dict[str, None] = {}
        try:
            for row in self.tree.below(revision, place.path):
                name = self._name(place, row.path)
                found[name] = _file_info(name, row)
                if withdirs:
                    folders.update(dict.fromkeys(folders_above(row.path, place.path)))
        except UsageError:
            return {} if detail else []
        for folder in folders:
            name = self._name(place, folder) if folder != place.path else place.lead + folder
            found[name] = _folder_info(name)
        names = sorted(found)
        return {name: found[name] for name in names} if detail else names

    def glob(self, path: str, maxdepth: int | None = None, **kwargs: Any) -> Any:
        """Return what matches a pattern; see fsspec."""
        text = stringify_path(path)
        place = split(self._strip_protocol(text))
        if place.lead.endswith("@") and _MAGIC.search(place.path.partition("/")[0]):
            # fsspec looks for a pattern's folder in front of a slash.
            end = "/" if text.endswith("/") else ""
            text = f"{place.lead}/{place.path}{end}"
        return super().glob(text, maxdepth, **kwargs)

    def exists(self, path: str, **kwargs: Any) -> bool:
        """Return whether there is such a file or folder.

        A store that does not answer is an error, and no "no".
        """
        try:
            self.info(path, **kwargs)
        except FileNotFoundError:
            return False
        return True

    def isfile(self, path: str) -> bool:
        """Return whether there is such a file."""
        try:
            return bool(self.info(path)["type"] == "file")
        except FileNotFoundError:
            return False

    def modified(self, path: str) -> datetime:
        """Return when a file was last changed, on its editor's machine."""
        return datetime.fromtimestamp(self._file(path)[0]["mtime"], UTC)

    def created(self, path: str) -> datetime:
        """Return the same as `modified`: no other time is known of a file's content."""
        return self.modified(path)

    def checksum(self, path: str) -> str:
        """Return the BLAKE3 hash of a file's bytes, as ``b3sum`` prints it."""
        return str(self._file(path)[1].content.id)

    def ukey(self, path: str) -> str:
        """Return the same as `checksum`: equal keys are equal bytes, at any revision."""
        return self.checksum(path)

    # -- reading ----------------------------------------------------------------------

    def _file(self, path: str) -> tuple[dict[str, Any], Entry, Revision]:
        """Return what a path that has to be a file is."""
        info = self.info(path)
        if info["type"] == "directory":
            raise IsADirectoryError(errno.EISDIR, "is a folder", info["name"])
        place, revision = self._place(path)
        row = self.tree.find(revision, place.path)
        if row is None:
            raise AssertionError
        return info, row, revision

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,  # noqa: FBT001, FBT002
        cache_options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> CasFile:
        del autocommit
        if mode != "rb":
            self._refused()
        info, row, revision = self._file(path)
        if row.content.mode is Mode.LINK:
            raise OSError(errno.EINVAL, "is a link; name the file it leads to", info["name"])
        kwargs.pop("size", None)
        return CasFile(
            self,
            info["name"],
            block_size=block_size or self.blocksize,
            cache_options=cache_options,
            info=info,
            content=row.content,
            revision=revision,
            **kwargs,
        )

    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any
    ) -> bytes:
        """Return the bytes of a file, or of a part of it; only that part is read.

        Args:
            path: The file.
            start: First byte; from the end where negative, as in slices.
            end: First byte after it that is not meant; likewise.
            kwargs: Not used.
        """
        del kwargs
        _, row, _ = self._file(path)
        begin, stop, _ = slice(start, end).indices(row.content.size)
        if stop - begin >= row.content.size:
            return b"".join(self.tree.stream(row.content))
        return self.tree.read(row.content, begin, stop - begin) if begin < stop else b""

    # -- writing ----------------------------------------------------------------------

    def _refused(self, *_: Any, **__: Any) -> NoReturn:
        """Raise the `OSError` of a disk that is mounted read-only."""
        raise OSError(
            errno.EROFS,
            "cas:// is read-only; change the file in the data folder, then: cas-sync sync",
        )

    mkdir = makedirs = rmdir = touch = pipe_file = put_file = _refused
    rm = rm_file = _rm = cp_file = copy = mv = _refused


def _not_found(error: UsageError, path: str) -> FileNotFoundError:
    text = f"{error.message} ({error.cause})" if error.cause else error.message
    return FileNotFoundError(errno.ENOENT, text, path)


def _folder_info(name: str) -> dict[str, Any]:
    return {"name": name, "size": 0, "type": "directory", "mode": 0o040000}


def _file_info(name: str, row: Entry) -> dict[str, Any]:
    content = row.content
    return {
        "name": name,
        "size": content.size,
        "type": "link" if content.mode is Mode.LINK else "file",
        "mode": int(content.mode, 8),
        "hash": str(content.id),
        "mtime": ns_of_timestamp(row.edited) / 1e9,
        "edited_by": row.editor,
        "time_edited": str(row.edited),
    }
