"""What s3synchrony's lists say is read as text; what is damaged costs only itself."""

from datetime import datetime, timedelta, timezone

import pytest

from cas_sync.formats.rows import VersionRows
from cas_sync.formats.seed_manifest import is_manifest, load
from cas_sync.model.foreign import SeedRow
from cas_sync.worktree.index import HEADER

HEADER_LINE = b"File,Edited By,Time Edited,Checksum\n"
MD5 = "0123456789abcdef0123456789abcdef"
EASTERN = timezone(timedelta(hours=-5))


def to_utc(when: datetime) -> datetime:
    return when.replace(tzinfo=EASTERN)


def rows(*lines: str):
    return load(HEADER_LINE + "".join(line + "\n" for line in lines).encode(), to_utc)


def test_a_row_is_read_with_its_time_in_the_zone_that_is_given():
    found = rows(f"a/b.csv,Ana,2022-01-05 20:11:12,{MD5}")

    assert found.rows == [SeedRow("a/b.csv", "Ana", "2022-01-06T01:11:12Z", MD5)]
    assert found.bad == []


@pytest.mark.parametrize("name", ["007", "7", "1e5", "NA", "null", "True", "=1+1", " x", "Ünï"])
def test_names_are_text(name):
    assert rows(f"{name},Ana,2022-01-05 10:11:12,{MD5}").rows[0].name == name


def test_quoted_names_are_read_as_pandas_writes_them():
    found = rows(f'"sub/y,z ""q"".csv",Ana,2022-01-05 10:11:12,{MD5}')

    assert found.rows[0].name == 'sub/y,z "q".csv'


@pytest.mark.parametrize(
    "header",
    [
        b",File,Edited By,Time Edited,Checksum",
        b"Unnamed: 0.1,Unnamed: 0,File,Edited By,Time Edited,Checksum",
        b"Checksum,Time Edited,Edited By,File",
        b"\xef\xbb\xbfFile,Edited By,Time Edited,Checksum\r",
    ],
)
def test_columns_are_found_by_name_among_those_of_pandas(header):
    cells = {
        "File": "f",
        "Edited By": "Ana",
        "Time Edited": "2022-01-05 10:11:12",
        "Checksum": MD5,
    }
    names = header.removeprefix(b"\xef\xbb\xbf").decode().rstrip("\r").split(",")
    line = ",".join(cells.get(name, "0") for name in names)
    end = "\r\n" if header.endswith(b"\r") else "\n"

    found = load(header + b"\n" + line.encode() + end.encode(), to_utc)

    assert [row.name for row in found.rows] == ["f"]
    assert found.rows[0].md5 == MD5


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f",Ana,2022-01-05 10:11:12,{MD5}", "names no file"),
        (f"f,Ana,2022-01-05 10:11:12,{MD5[:-1]}", "checksum"),
        ("f,Ana,2022-01-05 10:11:12,nan", "checksum"),
        ("f,Ana,2022-01", "cut short"),
        (f"f,Ana,2022-01-05 10:11:12,{MD5},1", "cells"),
        (f'"f,Ana,2022-01-05 10:11:12,{MD5}', "not CSV"),
    ],
)
def test_a_damaged_line_is_told_and_the_others_are_used(line, reason):
    good = f"good,Bo,2022-01-05 10:11:12,{MD5}"

    found = rows(good, line, good)

    assert [row.name for row in found.rows] == ["good", "good"]
    assert [bad.number for bad in found.bad] == [3]
    assert reason in found.bad[0].reason


def test_a_line_that_is_not_utf_8_is_told():
    found = load(HEADER_LINE + b"\xff,Ana,2022-01-05 10:11:12," + MD5.encode(), to_utc)

    assert (found.rows, len(found.bad)) == ([], 1)


@pytest.mark.parametrize("time", ["", "nan", "05/01/2022", "0001-01-01 00:00:00"])
def test_a_time_nobody_can_read_is_none(time):
    def refuse(when: datetime) -> datetime:
        raise OverflowError(when)

    data = HEADER_LINE + f"f,,{time},{MD5}\n".encode()

    assert load(data, refuse).rows == [SeedRow("f", "unknown", None, MD5)]


@pytest.mark.parametrize("data", [b"", b"\n", b"<html>", b"File;Edited By", b"\xff\xfe\0"])
def test_a_file_of_another_kind_has_no_rows(data):
    found = load(data, to_utc)

    assert (found.rows, len(found.bad)) == ([], 1)


def test_our_own_lists_are_not_taken_for_theirs():
    assert is_manifest(HEADER_LINE.strip())
    assert is_manifest(b",Unnamed: 0,File,Edited By,Time Edited,Checksum\r")
    for ours in (VersionRows.header, HEADER, f"{VersionRows.header},Removed At,Kept As"):
        assert not is_manifest(ours.encode())
