from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas_sync.formats.rows import VersionRows, load_rows
from cas_sync.model.tree import ns_of_timestamp, timestamp, timestamp_of_ns
from tests.support.samples import entry


def test_a_time_is_told_in_utc_with_whole_seconds():
    east = timezone(timedelta(hours=2))

    assert timestamp(datetime(2026, 11, 22, 12, 2, 11, 999_999, east)) == "2026-11-22T10:02:11Z"
    assert timestamp(datetime(7, 1, 2, tzinfo=UTC)) == "0007-01-02T00:00:00Z"


@given(st.integers(-(1 << 90), 1 << 90))
def test_every_time_a_disk_may_tell_can_stand_in_a_manifest(ns):
    row = entry("a")._replace(edited=timestamp_of_ns(ns))

    assert list(load_rows([VersionRows().dump(row)], VersionRows(), "test")) == [row]


@given(st.integers(-62_135_596_800, 253_402_300_799))
def test_whole_seconds_come_back(seconds):
    assert ns_of_timestamp(timestamp_of_ns(seconds * 1_000_000_000)) == seconds * 1_000_000_000


@pytest.mark.parametrize("text", ["2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z"])
def test_a_time_that_no_calendar_holds_is_no_reason_to_stop(text):
    assert ns_of_timestamp(text) == 0
