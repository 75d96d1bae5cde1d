"""Random values that are as odd as users are, and as few as tests can bear."""

from hypothesis import strategies as st

from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import PathRefusedError, parse_repo_path
from cas_sync.model.tree import Content, Deletion, Entry, Mode

NAMES = st.one_of(
    st.sampled_from(
        ["a", "b", "c", "007", "NA", "=1", "-x", "+y", "@z", "#end", "'q", "a b", "é"]
    ),
    st.text(min_size=1, max_size=6),
)


def _accepted(path):
    try:
        return parse_repo_path(path) == path
    except PathRefusedError:
        return False


paths = st.lists(NAMES, min_size=1, max_size=3).map("/".join).filter(_accepted)
ids = st.binary(min_size=1, max_size=4).map(ObjectId.of)
contents = st.builds(Content, ids, st.integers(0, 1 << 60), st.sampled_from(Mode))
people = st.text(st.characters(blacklist_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=8).map(
    str.strip
)
times = st.datetimes().map(lambda when: f"{when:%m-%dT%H:%M:%S}Z").map(lambda t: f"2026-{t}")
entries = st.builds(Entry, paths, contents, people, times)
deletions = st.builds(Deletion, entries, people, times, st.integers(0, 1 << 50))
