"""What is in the files that differ: as a stream, as text, as a file of its own."""

import glob
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from blake3 import blake3

from cas_sync.errors import WorktreeError
from cas_sync.model.tree import Content, Mode
from cas_sync.plan.renames import TreeChange
from cas_sync.store.objects import ObjectReader
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.hashing import FileHasher, content_id
from cas_sync.worktree.trouble import problem_of, translated

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Contents:
    """Reads both versions of files that differ; every byte is checked.

    Attributes:
        reader: Reads what is stored.
        data: The data folder where the later versions are what it holds; `None` where they
            are stored.
        on_disk: Names in the data folder that are not those in manifests, by the latter.
    """

    reader: ObjectReader
    data: Path | None
    on_disk: Mapping[str, str] = field(default_factory=dict)

    def blocks(self, change: TreeChange, *, of_new: bool) -> Iterator[bytes]:
        """Yield the bytes of one version of a file; of a link, its target text.

        Good only if the iterator comes to its end. Where there is no such version, there are
        no bytes.

        Raises:
            DamageError: What is stored is not what was published.
            WorktreeError: The file here cannot be read, or is not what was seen any more.
        """
        content = change.after if of_new else change.before
        if content is None:
            return iter(())
        if of_new and self.data is not None:
            return self._read_here(self.data, change.path, content)
        return self.reader.stream(content)

    def as_file(self, change: TreeChange, *, of_new: bool, target: Path) -> Path:
        """Return a file that holds one version: the user's own, or ``target``, written now.

        The user's own is given only if its name is no pattern to a program that expands them.

        Raises:
            DamageError: What is stored is not what was published.
            WorktreeError: A file cannot be read or written.
        """
        content = change.after
        if of_new and self.data is not None and content is not None:
            own = self.data / self.on_disk.get(change.path, change.path)
            if glob.escape(str(own)) == str(own) and "{" not in str(own):
                self._refuse_changed(self.data, change.path, content)
                return own
        with translated(str(target)), target.open("wb") as out:
            for block in self.blocks(change, of_new=of_new):
                out.write(block)
        return target

    def _refuse_changed(self, data: Path, path: str, content: Content) -> None:
        with translated(str(data)), Folder(str(data)) as folder:
            found = content_id(folder, self.on_disk.get(path, path), FileHasher())
        if found != content.id:
            raise _changed(path)

    def _read_here(self, data: Path, path: str, content: Content) -> Iterator[bytes]:
        on_disk = self.on_disk.get(path, path)
        whole, n_left = blake3(), content.size
        try:
            with Folder(str(data)) as folder:
                if content.mode is Mode.LINK:
                    block = folder.readlink(on_disk).encode("utf-8", "surrogateescape")
                    whole.update(block)
                    yield block
                else:
                    fd, _ = folder.open_read(on_disk)
                    with io.FileIO(fd, "rb") as source:
                        # No further than it was long: a log could grow for ever.
                        while block := source.read(min(_BLOCK, n_left + 1)):
                            n_left -= len(block)
                            whole.update(block)
                            if n_left < 0:
                                break
                            yield block
        except OSError as error:
            raise WorktreeError(f"{path} cannot be read", cause=problem_of(error)) from error
        if whole.digest() != content.id:
            raise _changed(path)


def _changed(path: str) -> WorktreeError:
    return WorktreeError(
        f"{path} changed while it was compared",
        fix="run the same command again when the program that writes it is done",
    )
