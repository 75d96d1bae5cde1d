"""Lines are believed up to the first that is not as it was written."""

import pytest

from cas_sync.worktree.checked_log import CheckedLog


@pytest.fixture
def folder(tree):
    return tree.folder


@pytest.fixture
def log(folder):
    with CheckedLog(folder, "notes") as log:
        yield log


def path_of(folder):
    return folder.real_path(".S3/notes")


def test_what_was_appended_is_read(log, folder):
    log.begin(["first", "Ünï"])
    log.append(["second"])
    log.append([])

    assert CheckedLog(folder, "notes").read() == ["first", "Ünï", "second"]


def test_where_there_is_no_file_there_are_no_lines(log):
    assert log.read() == []
    log.remove()


def test_a_new_beginning_forgets_what_was_there(log):
    log.begin(["old", "older"])
    log.begin(["new"])

    assert log.read() == ["new"]


def test_a_torn_line_is_not_believed(log, folder):
    lines = ["first line", "second line", "third line"]
    log.begin(lines)
    log.close()
    with open(path_of(folder), "rb") as file:
        data = file.read()
    for length in range(len(data)):
        with open(path_of(folder), "wb") as file:
            file.write(data[:length])

        assert log.read() == lines[: data[:length].count(b"\n")]


def test_nothing_after_a_changed_line_is_believed(log, folder):
    log.begin(["first", "second", "third"])
    log.close()
    with open(path_of(folder), "r+b") as file:
        data = file.read().replace(b"second", b"sEcond")
        file.seek(0)
        file.write(data)

    assert log.read() == ["first"]


def test_nothing_is_appended_to_what_was_not_begun(log):
    with pytest.raises(ValueError, match="not begun"):
        log.append(["x"])
