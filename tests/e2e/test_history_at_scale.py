"""What is read of a history of 100,000 files and 200 commits: a bounded number of requests.

On a real S3 server, through a proxy that counts, each time by somebody whose caches are
empty. One test, because making the history takes longer than asking it.
"""

import pytest

from tests.support.history import publish
from tests.support.people import Person
from tests.support.proxy import Proxy

FILES, COMMITS = 100_000, 200
IN_A_FOLDER = 100

LEVELS = 3
"""Levels of the manifest's tree: 100,000 rows, some 512 a page, some 64 pages a page above."""

HEAD, TAGS = 1, 1
"""Requests: the head; the list of tags."""

pytestmark = pytest.mark.s3


def name(n: int) -> str:
    return f"d{n // IN_A_FOLDER:04d}/f{n % IN_A_FOLDER:03d}.csv"


def test_what_is_read_of_a_long_history_is_bounded(s3_server, tmp_path):
    url, env = "s3://team-data/scale", s3_server.environment()
    first = {name(n): b"id,value\n%d,%d\n" % (n, 7 * n) for n in range(FILES)}
    later = ({name(37 * k): b"changed,%d\n" % k} for k in range(1, COMMITS))
    ana = Person(tmp_path / "Ana", "Ana", url, env)
    publish(ana, [first, *later])
    with ana.repository() as stored:
        n_roots = len(stored.head.index_roots)

    def asked(*args: str):
        """Return what somebody new is told, the requests that took, and the bytes."""
        with Proxy(s3_server) as proxy:
            env_new = {**env, "AWS_ENDPOINT_URL": proxy.endpoint}
            new = Person(tmp_path / f"new-{len(list(tmp_path.iterdir()))}", "New", url, env_new)
            (new.project / "cas-sync.json").write_text(f'{{"store": "{url}"}}')
            result = new.run(*args)
        down = sum(each.bytes_down for each in proxy.records)
        return result, sum(proxy.requests.values()), down

    result, n, _ = asked("log", "-n", "20", "--json")
    assert [each["seq"] for each in result.answer] == list(range(COMMITS, COMMITS - 20, -1))
    assert n == HEAD + TAGS + 20, "each commit that is shown, and none besides"

    result, n, _ = asked("log", "--json", "-n", "1000")
    assert len(result.answer) == COMMITS
    assert n <= HEAD + TAGS + COMMITS + 4, "each commit, and lists of their keys"

    result, n, _ = asked("ls", "d0500", "--json")
    assert len(result.answer) == IN_A_FOLDER
    assert n <= HEAD + LEVELS + 1, "a page a level, two where a folder crosses pages"

    result, n, _ = asked("ls", "--json")
    assert len(result.answer) == FILES // IN_A_FOLDER
    assert n <= 60, "subfolders are jumped over, pages come in large ranges"

    for rev in ("@", "#1"):
        result, n, down = asked("cat", f"{rev}:{name(5005)}")
        assert result.stdout == "id,value\n5005,35035\n"
        assert n <= HEAD + 5 + LEVELS + 3 * n_roots + 1
        assert down < 2 << 20, "neither the index nor the manifest is read whole"

    result, n, _ = asked("diff", "@~1", "@", "--json")
    assert [each["path"] for each in result.answer["rows"]] == [name(37 * (COMMITS - 1))]
    assert n <= HEAD + 2 + 2 * LEVELS, "two commits, and a page a level of each"
