"""Single files of a large store: read by small requests, on real stores."""

import shutil
from functools import partial

from cas_sync.model.paths import sort_key
from cas_sync.store import sparse_index
from tests.support.samples import noise

N_FILES = 7000
"""Enough for an index segment that is not loaded for one file."""


def test_one_file_of_many_is_read_by_a_few_small_requests(place):
    ana = place.person("Ana")
    for i in range(N_FILES):
        ana.write(f"d{i % 70:02d}/{i:05d}.txt", f"file {i}")
    large = noise("large", 3_000_000)
    ana.write("large.bin", large)
    ana.sync()
    shutil.rmtree(ana.home / "cache")

    with ana.repository() as stored:
        find = partial(stored.repo.versions.find, stored.head.versions)
        small_file, large_file = (
            find(sort_key(path)) for path in ("d21/05621.txt", "large.bin")
        )
        reader = stored.repo.reader(stored.head, sparse=True)
        roots, meter = stored.head.index_roots, stored.repo.bucket.meter
        assert max(root.entries for root in roots) * 50 > sparse_index.SMALL
        meter.requests.clear()
        meter.bytes_down = 0

        assert b"".join(reader.stream(small_file.content)) == b"file 5621"
        # Two windows at most, or the whole where it is small; and the file.
        assert meter.requests["GET"] <= 2 * len(roots) + 1
        assert meter.bytes_down < sparse_index.SMALL
        for start, length in ((0, 10), (1_500_000, 100_000), (2_999_990, 100)):
            found = b"".join(reader.read_range(large_file.content, start, length))
            assert found == large[start : start + length]
        assert meter.bytes_down < len(large)
