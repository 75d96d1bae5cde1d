"""Canonical JSON is read strictly: every way to say it otherwise is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas_sync.errors import FormatError
from cas_sync.formats import documents, strict_json, tag
from cas_sync.formats.strict_json import canonical
from cas_sync.model.commit import RECENT, HeadState
from cas_sync.model.ids import ObjectId
from cas_sync.model.params import ChunkParams
from tests.support import samples

HEAD = documents.dump_head(samples.HEAD)
FORMAT = documents.dump_format(samples.FORMAT)
COMMIT = documents.dump_commit(samples.COMMIT)[1]
TAG = tag.dump_tag(samples.REPO, 3, samples.TAG)


texts = st.text(st.characters(exclude_categories=["Cs"]))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=8,
)


def load_commit(data):
    return documents.load_commit(data, ObjectId.of(data))


def load_tag(data):
    return tag.load_tag(data, samples.REPO, samples.TAG.name, 3)


def edited(data, edit):
    """Return the document after ``edit``, with a hash that fits."""
    value = json.loads(data)
    had = value.pop("self", None)
    edit(value)
    if had is not None:
        value["self"] = str(ObjectId.of(canonical(value)))
    return canonical(value)


LOADERS = [
    pytest.param(HEAD, documents.load_head, id="head"),
    pytest.param(FORMAT, documents.load_format, id="format"),
    pytest.param(COMMIT, load_commit, id="commit"),
    pytest.param(TAG, load_tag, id="tag"),
]


@pytest.mark.parametrize(("data", "load"), LOADERS)
def test_what_is_loaded_is_written_as_it_was(data, load):
    dump = {
        documents.load_head: documents.dump_head,
        documents.load_format: documents.dump_format,
        load_commit: lambda commit: documents.dump_commit(commit)[1],
        load_tag: lambda found: tag.dump_tag(samples.REPO, 3, found),
    }[load]

    assert dump(load(data)) == data


def test_an_empty_repository_has_a_head():
    head = samples.HEAD._replace(
        state=HeadState.CLOSED, seq=0, commit=None, versions=None, deleted=None, recent=()
    )

    assert documents.load_head(documents.dump_head(head)) == head


@pytest.mark.parametrize(("data", "load"), LOADERS)
def test_every_field_is_needed(data, load):
    for name in json.loads(data).keys() - {"self"}:
        with pytest.raises(FormatError):
            load(edited(data, lambda value, name=name: value.pop(name)))


@pytest.mark.parametrize(("data", "load"), LOADERS)
@pytest.mark.parametrize("wrong", [-1, True, 1.5, 1 << 63, "?", [], {}, [{}], [[]], {"a": 1}])
def test_a_value_of_another_type_is_refused(data, load, wrong):
    free_texts = {"author", "machine", "client", "message", "time", "condemned", "nonce"}
    free_texts.add("tagger")
    for name, had in json.loads(data).items():
        if name == "self" or (type(had) is type(wrong) and (name in free_texts or not wrong)):
            continue
        with pytest.raises(FormatError):
            load(edited(data, lambda value, name=name: value.__setitem__(name, wrong)))


@pytest.mark.parametrize(("data", "load"), LOADERS)
@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null\n",
        b"[]\n",
        b'{"v":1}\n',
        b'{"v":NaN}\n',
        b"[" * 100_000,
        b'{"v":1,"x":' + b"[" * 500 + b"]" * 500 + b"}\n",
        b'{"v":' + b"1" * 5000 + b"}\n",
        b'{"self":"' + b"0" * 64 + b'","v":1,"x":"\\ud800"}\n',
        b" " * (strict_json.MAX_BYTES + 1),
    ],
)
def test_hostile_text_is_a_format_error(data, load, text):
    with pytest.raises(FormatError):
        load(text)


@pytest.mark.parametrize(("data", "load"), LOADERS)
def test_the_same_value_in_other_words_is_refused(data, load):
    value = json.loads(data)
    others = [
        data.rstrip(),
        data + b"\n",
        json.dumps(value, indent=1).encode(),
        b'{"v":1,' + data[1:],
        b"\xef\xbb\xbf" + data,
        json.dumps(dict(reversed(value.items())), separators=(",", ":")).encode() + b"\n",
    ]
    for other in others:
        with pytest.raises(FormatError):
            load(other)


@given(json_values)
def test_canonical_text_is_a_function_of_the_value(value):
    data = canonical(value)

    assert canonical(json.loads(data)) == data


def test_a_document_with_a_wrong_hash_of_its_own_is_refused():
    value = json.loads(HEAD)
    value["seq"] += 1

    with pytest.raises(FormatError, match="own hash"):
        documents.load_head(canonical(value))


@pytest.mark.parametrize(
    "edit",
    [
        lambda head: head._replace(recent=()),
        lambda head: head._replace(commit=samples.oid("other")),
        lambda head: head._replace(seq=0),
        lambda head: head._replace(commit=None, recent=()),
        lambda head: head._replace(recent=head.recent[:1] * (RECENT + 1)),
    ],
)
def test_a_head_that_contradicts_itself_is_refused(edit):
    with pytest.raises(FormatError, match="contradicts"):
        documents.load_head(documents.dump_head(edit(samples.HEAD)))


@pytest.mark.parametrize(
    "change", [{"level": 9}, {"length": 1 << 27}, {"object": "../../head"}, {"more": 1}]
)
def test_a_reference_to_a_page_out_of_bounds_is_refused(change):
    with pytest.raises(FormatError):
        documents.load_head(edited(HEAD, lambda value: value["versions"].update(change)))


@pytest.mark.parametrize("name", ["x", "../x", "0" * 64, f"{samples.ULID}-{'0' * 63}"])
@pytest.mark.parametrize("is_pack", [True, False])
def test_an_index_root_of_an_impossible_name_is_refused(name, is_pack):
    with pytest.raises(FormatError):
        documents.load_head(
            edited(HEAD, lambda value: value["index"][0].update(name=name, pack=is_pack))
        )


@pytest.mark.parametrize("change", [{"pack": "yes"}, {"entries": -1}, {"more": 1}])
def test_a_malformed_index_root_is_refused(change):
    with pytest.raises(FormatError):
        documents.load_head(edited(HEAD, lambda value: value["index"][0].update(change)))


def test_an_unknown_feature_of_the_head_stops_the_client():
    with pytest.raises(FormatError, match="sealed"):
        documents.load_head(documents.dump_head(samples.HEAD._replace(features=("sealed",))))


@pytest.mark.parametrize(
    "chunker",
    [
        ChunkParams(63, 256, 1024),
        ChunkParams(64, 255, 1024),
        ChunkParams(64, 300, 1024),
        ChunkParams(64, 256, 1023),
        ChunkParams(256, 256, 1024),
        ChunkParams(64, 1024, 1024),
        ChunkParams(2 << 20, 4 << 20, 8 << 20),
        ChunkParams(1 << 20, 8 << 20, 16 << 20),
        ChunkParams(1 << 20, 4 << 20, 17 << 20),
        ChunkParams(normalization=4),
    ],
)
def test_chunk_sizes_that_cannot_be_cut_are_refused_on_reading(chunker):
    with pytest.raises(FormatError, match="out of bounds"):
        documents.load_format(documents.dump_format(samples.FORMAT._replace(chunker=chunker)))


@pytest.mark.parametrize(
    "edit",
    [lambda v: v.update(hash="md5"), lambda v: v["chunker"].update(name="rabin")],
    ids=["hash", "chunker"],
)
def test_another_hash_or_chunker_is_refused(edit):
    with pytest.raises(FormatError, match="unknown"):
        documents.load_format(edited(FORMAT, edit))


def test_a_commit_under_another_name_is_refused():
    with pytest.raises(FormatError, match="does not match its id"):
        documents.load_commit(COMMIT, samples.oid("other"))


@pytest.mark.parametrize("row", [[], ["a", "added", ""], ["a", "added", "", 1], "abcd"])
def test_a_malformed_change_is_refused(row):
    with pytest.raises(FormatError):
        load_commit(edited(COMMIT, lambda value: value["changes"].append(row)))


@pytest.mark.parametrize("field", ["author", "machine", "client", "time", "message"])
def test_a_commit_that_would_command_a_terminal_is_refused(field):
    def command(value):
        value[field] = "\x1b]0;x\x07"

    with pytest.raises(FormatError, match=field):
        load_commit(edited(COMMIT, command))
