import pytest
from blake3 import blake3

from cas_sync.model.ids import ObjectId


def test_an_id_is_what_b3sum_prints():
    oid = ObjectId.of(b"abc")

    assert str(oid) == blake3(b"abc").hexdigest()
    assert ObjectId.parse(str(oid)) == oid


def test_equal_bytes_have_equal_ids_whatever_holds_them():
    assert (
        ObjectId.of(b"abc") == ObjectId.of(bytearray(b"abc")) == ObjectId.of(memoryview(b"abc"))
    )


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_digest_of_another_length_is_no_id(length):
    with pytest.raises(ValueError):
        ObjectId(bytes(length))


@pytest.mark.parametrize(
    "text",
    ["", "0" * 63, "0" * 65, "A" * 64, "g" * 64, " " * 64, "00 " * 21 + "0", "\u0660" * 64],
)
def test_only_64_lower_case_hex_digits_are_an_id(text):
    with pytest.raises(ValueError):
        ObjectId.parse(text)


def test_people_who_debug_see_a_short_form():
    assert repr(ObjectId(bytes(32))) == "ObjectId(00000000)"
