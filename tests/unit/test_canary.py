"""The search for secrets after the run finds what it is to find."""

from tests.support.canary import leaks
from tests.support.weed import SECRET_KEY


def test_a_secret_in_any_file_is_found(tmp_path_factory):
    place = tmp_path_factory.mktemp("canary")
    path = place / ".S3" / "logs" / "today.txt"
    path.parent.mkdir(parents=True)
    path.write_text(f"PUT /x\nkey {SECRET_KEY}\n")
    assert list(leaks(place)) == [(path, SECRET_KEY.encode())]
    path.write_text("PUT /x?X-Amz-Signature=abc")
    assert list(leaks(place)) == [(path, b"X-Amz-Signature=")]
    path.unlink()
    assert list(leaks(place)) == []
