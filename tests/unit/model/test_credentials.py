import pytest

from cas_sync.model.credentials import Credentials
from cas_sync.store.bucket import StoreAddress

KEYS = Credentials("AKIDCANARY", "SECRETCANARY", "TOKENCANARY")


@pytest.mark.parametrize("value", [KEYS, StoreAddress("s3://b", credentials=KEYS)])
def test_no_text_of_it_shows_a_key(value):
    assert "CANARY" not in f"{value} {value!r} {[value]}"
