import pytest

from cas_sync.worktree.links import link_stays_inside


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("a", "b"),
        ("a", "d/b"),
        ("d/a", "../b"),
        ("d/e/a", "../../b/c"),
        ("d/a", "./b"),
        ("d/a", ".."),
        ("a", "d/"),
    ],
)
def test_links_within_the_folder_are_made(path, target):
    assert link_stays_inside(path, target)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("a", ""),
        ("a", "/etc/passwd"),
        ("a", "../b"),
        ("d/a", "../../b"),
        ("d/a", "b/../../../c"),
        ("a", "d/x/.."),  # d/x may itself be a link to the top
        ("a", ".S3/head"),
        ("d/a", "../.s3/lock"),
        ("a", "C:x"),
        ("a", "..\\b"),
        ("a", "b\0c"),
        ("a", "b\nc"),
    ],
)
def test_links_that_could_lead_out_are_not(path, target):
    assert not link_stays_inside(path, target)
