"""A store in memory, and what reads it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from cas_sync.store.cache import Cache
from cas_sync.store.memory import MemoryBucket


@pytest.fixture
def pool():
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
def bucket():
    return MemoryBucket()


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path)
