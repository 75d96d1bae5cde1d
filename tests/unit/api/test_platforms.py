"""Platforms by name, and the group of entry points that others add to."""

import tomllib
from pathlib import Path

import pytest

from cas_sync.api.platforms import BUILT_IN, DataPlatformConnection, find_platform
from cas_sync.errors import UsageError
from cas_sync.formats.seed_config import PLATFORMS as SEED_PLATFORMS
from cas_sync.store.connect import PLATFORMS

ROOT = Path(__file__).parents[3]


def test_the_package_declares_its_own_platforms():
    """An installed package lists the same as one that is run from its source."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = project["entry-points"][PLATFORMS]

    assert declared == {
        name: f"{platform.__module__}:{platform.__name__}"
        for name, platform in BUILT_IN.items()
    }
    assert tuple(BUILT_IN) == SEED_PLATFORMS


@pytest.mark.parametrize("name", ["S3", "s3", "local", "LOCAL"])
def test_case_does_not_matter(name):
    assert find_platform(name).name.lower() == name.lower()


def test_a_class_stands_for_itself():
    class Mine(DataPlatformConnection):
        pass

    assert find_platform(Mine) is Mine


@pytest.mark.parametrize("wrong", ["s33", object, 3, ""])
def test_what_is_no_platform_is_refused_with_those_that_exist(wrong):
    with pytest.raises(UsageError) as caught:
        find_platform(wrong)

    assert "S3, local" in caught.value.cause


def test_a_bucket_of_a_platform_of_its_own_is_written_as_its_address():
    class Shelf(DataPlatformConnection):
        schemes = ("shelf",)

    said = Shelf(aws_bkt="top", aws_prfx="churn/", datafolder="Data")._config()

    assert said.store == "shelf://top/churn"
    assert Path(said.data).is_absolute()
