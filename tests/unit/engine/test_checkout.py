"""Files are written in batches: all of one proved and on the disk before any gets its name."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from cas_sync.engine import arrivals
from cas_sync.engine.checkout import Checkout
from cas_sync.model.tree import Content, Entry
from cas_sync.plan.step import Act, Step
from cas_sync.progress import Silent
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.state import LocalState
from cas_sync.worktree.writer import Writer
from tests.support.samples import WHEN, noise
from tests.support.stored import CHUNK, StoredFiles


class NotingWriter(Writer):
    """Notes what happens in which order."""

    def __init__(self, folder):
        super().__init__(folder)
        self.events = []

    def stage(self, path, content, edited_ns):
        self.events.append(("stage", path))
        return super().stage(path, content, edited_ns)

    def sync_staged(self):
        # What is staged from now on may come too late for this call.
        self.events.append(("sync", ""))
        super().sync_staged()

    def put_in_place(self, staged, expected, *, keep_as=None):
        self.events.append(("place", staged.path))
        return super().put_in_place(staged, expected, keep_as=keep_as)


class Site:
    """A data folder, a store, and what brings files from the one to the other."""

    def __init__(self, root, store, folder):
        self.root, self.store, self.folder = root, store, folder
        self.writer = NotingWriter(folder)
        self.checkout = None

    def write(self, files: dict[str, Content], progress=None):
        self.checkout = Checkout(
            self.folder, self.writer, self.store.reader(), "1", progress or Silent()
        )
        steps = (
            Step(Act.DOWNLOAD, path, None, None, Entry(path, content, "Ana", WHEN))
            for path, content in sorted(files.items())
        )
        pairs = ((step, None) for step in steps)
        return list(self.checkout.write(pairs, under_copies=False))

    def leftovers(self):
        return os.listdir(self.root / ".S3/tmp")

    def read(self, path):
        return (self.root / path).read_bytes()


@pytest.fixture
def site(tmp_path):
    root = tmp_path / "data"
    root.mkdir()
    with ThreadPoolExecutor(4) as pool, Folder(str(root)) as folder:
        LocalState(folder).create()
        made = Site(root, StoredFiles(tmp_path, pool), folder)
        yield made
        made.writer.close()


def many(site, n, size=1000):
    return {f"d{i // 10:02d}/{i:03d}": site.store.add(noise(f"{i}", size)) for i in range(n)}


def test_nothing_gets_its_name_before_the_disk_was_told_to_keep_it(site, monkeypatch):
    monkeypatch.setattr(arrivals, "BATCH_FILES", 7)
    monkeypatch.setattr("cas_sync.engine.wanted.WINDOW_FILES", 3)
    files = many(site, 100)

    changes = site.write(files)

    staged, kept, placed = set(), set(), []
    for event, path in site.writer.events:
        if event == "stage":
            staged.add(path)
        elif event == "sync":
            kept |= staged
        else:
            assert path in kept
            placed.append(path)
    assert placed == sorted(files)
    assert [row.path for _, row in changes] == sorted(files)
    assert all(site.read(path) == noise(f"{i}", 1000) for i, path in enumerate(files))
    assert site.leftovers() == []


def test_an_error_leaves_what_has_its_name_and_nothing_else(site, monkeypatch):
    monkeypatch.setattr(arrivals, "BATCH_FILES", 7)
    monkeypatch.setattr("cas_sync.engine.wanted.WINDOW_FILES", 3)
    files = many(site, 100)

    class Interrupting(Silent):
        left = 20

        def advance(self, files, size):
            self.left -= files
            if not self.left:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        site.write(files, Interrupting())

    assert site.leftovers() == []
    there = sorted(p for p in files if (site.root / p).exists())
    assert there == sorted(files)[:20]
    assert all(site.read(path) == noise(f"{i}", 1000) for i, path in enumerate(there))


def test_a_content_of_several_files_is_received_once(site, monkeypatch):
    monkeypatch.setattr("cas_sync.engine.wanted.WINDOW_FILES", 2)
    large, small = noise("large", 5 * CHUNK), noise("small", 1000)
    contents = [site.store.add(large), site.store.add(small)]
    site.store.add(noise("other", 1000))
    files = {f"{i:03d}": contents[i % 2] for i in range(20)}

    site.write(files)

    assert site.store.bucket.meter.bytes_down < len(large) + 10_000
    assert all(site.read(path) == (large, small)[i % 2] for i, path in enumerate(files))
    assert site.checkout.n_downloaded == 20
    assert site.checkout.n_local == 18


def test_a_copy_that_was_changed_meanwhile_serves_nobody(site, monkeypatch):
    monkeypatch.setattr("cas_sync.engine.wanted.WINDOW_FILES", 1)
    monkeypatch.setattr(arrivals, "BATCH_FILES", 1)
    data = noise("small", 1000)
    content = site.store.add(data)
    files = {f"{i:03d}": content for i in range(10)}

    class Meddling(Silent):
        """Edits a file, in place and of the same length, as soon as it is there."""

        n_edits = 0

        def advance(self, files, size):
            for i in range(10):
                path = site.root / f"{i:03d}"
                if files and path.exists() and path.read_bytes() == data:
                    path.write_bytes(b"!" * len(data))
                    Meddling.n_edits += 1

    site.write(files, Meddling())

    assert Meddling.n_edits == 10
    assert site.checkout.failed == {}
    assert site.checkout.n_downloaded == 10
    assert site.leftovers() == []


def test_progress_tells_every_byte_and_every_file_once(site):
    files = many(site, 30) | {"large": site.store.add(noise("large", 100 * CHUNK))}
    files["zcopy"] = files["large"]

    class Adding(Silent):
        n_files = n_bytes = 0

        def advance(self, files, size):
            self.n_files += files
            self.n_bytes += size

    progress = Adding()
    site.write(files, progress)

    assert progress.n_files == 32
    assert progress.n_bytes == sum(content.size for content in files.values())
