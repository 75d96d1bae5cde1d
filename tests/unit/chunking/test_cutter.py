import pyfastcdc
import pytest
from pyfastcdc.py import FastCDC as SlowFastCDC

from cas_sync.chunking.cutter import split
from cas_sync.errors import ConfigError
from cas_sync.model.params import ChunkParams
from tests.support.fastcdc import cut
from tests.support.samples import noise


def test_nothing_has_no_chunks():
    assert list(split([], ChunkParams())) == []
    assert list(split([b"", b""], ChunkParams())) == []


def test_a_file_larger_than_the_window_is_cut_as_if_it_were_whole():
    data = noise("large", 3_000_000)
    params = ChunkParams(4 << 10, 16 << 10, 64 << 10)

    found = [len(c) for c in split([data], params, window=300_000)]

    assert found == cut(data, 4 << 10, 16 << 10, 64 << 10)


def test_the_slow_fallback_is_refused_with_what_to_do(monkeypatch):
    monkeypatch.setattr(pyfastcdc, "FastCDC", SlowFastCDC)

    with pytest.raises(ConfigError) as caught:
        list(split([b"x"], ChunkParams()))

    assert caught.value.code == "E210"
    assert "pip install" in caught.value.fix
