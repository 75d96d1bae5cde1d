import pytest

from cas_sync.cli.paths import inside_data, named_at
from cas_sync.errors import UsageError


@pytest.fixture
def project(tmp_path):
    (tmp_path / "Data" / "reports").mkdir(parents=True)
    (tmp_path / "Data" / "reports" / "q3.csv").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("path", "start", "named"),
    [
        ("reports", ".", "reports"),
        ("reports/", ".", "reports"),
        ("Data/reports/q3.csv", ".", "reports/q3.csv"),
        ("./Data/reports/../reports", ".", "reports"),
        ("q3.csv", "Data/reports", "reports/q3.csv"),
        ("Data", ".", ""),
        (".", "Data", ""),
        ("Data/deleted.csv", ".", "deleted.csv"),
        ("deleted.csv", ".", "deleted.csv"),
        ("deleted.csv", "Data/reports", "reports/deleted.csv"),
    ],
)
def test_a_path_is_meant_from_here_or_from_the_data_folder(project, path, start, named):
    assert inside_data(path, project / "Data", project / start) == named


@pytest.mark.parametrize("path", ["../elsewhere", "/etc/passwd"])
def test_a_path_outside_is_refused(project, path):
    with pytest.raises(UsageError):
        inside_data(path, project / "Data", project)


@pytest.mark.parametrize(
    ("text", "rev", "path"),
    [
        ("", "@", ""),
        ("reports", "@", "reports"),
        ("@~2:reports/", "@~2", "reports"),
        ("v1:", "v1", ""),
        (":a:b", "@", "a:b"),
        ("2026-11-20T10:00:00Z:Data/reports", "2026-11-20T10:00:00Z", "reports"),
    ],
)
def test_a_revision_goes_before_a_colon(project, text, rev, path):
    assert named_at(text, project / "Data", project) == (rev, path)
