"""Options that several commands share, and what they add up to."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from cas_sync.engine.settings import Settings, load_settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.formats.config_json import Config

F = TypeVar("F", bound=Callable[..., Any])


def common(function: F) -> F:
    """Add the options that every command takes."""
    for option in (
        click.option("--debug", is_flag=True, hidden=True, help="Show tracebacks."),
        click.option("-v", "--verbose", count=True, help="Say more."),
        click.option("-q", "--quiet", is_flag=True, help="Say only what went wrong."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts."),
        click.option(
            "-C",
            "start",
            metavar="DIR",
            default=".",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            help="Work as if started in DIR.",
        ),
    ):
        function = option(function)
    return function


def store_options(function: F) -> F:
    """Add the options that say where the store and the data are."""
    for option in (
        click.option(
            "--single-writer",
            is_flag=True,
            help="Accept a store that cannot keep two writers apart; you are the only one.",
        ),
        click.option("--jobs", type=click.IntRange(1, 256), help="Requests in flight at once."),
        click.option("--user", help="Your name in commits."),
        click.option("--region", help="AWS region."),
        click.option("--endpoint-url", help="Address of an S3-compatible server."),
        click.option("--profile", help="AWS profile."),
        click.option("--data", help="The data folder. [default: Data]"),
        click.option("--store", help="s3://bucket/prefix, or a folder that all can reach."),
    ):
        function = option(function)
    return function


def flags_of(values: dict[str, Any]) -> Config:
    """Return the configuration that the flags of `store_options` make up."""
    return Config(
        store=values.pop("store", None),
        data=values.pop("data", None),
        profile=values.pop("profile", None),
        region=values.pop("region", None),
        endpoint_url=values.pop("endpoint_url", None),
        user_name=values.pop("user", None),
        jobs=values.pop("jobs", None),
        writers="one" if values.pop("single_writer", False) else None,
    )


def settings_in(start: Path, flags: Config) -> tuple[Settings, Surroundings]:
    """Return the configuration in force in ``start``, and the real surroundings."""
    surroundings = Surroundings(env=os.environ)
    settings = load_settings(start, flags, surroundings.env)
    for warning in settings.warnings:
        click.echo(f"warning: {warning}", err=True)
    return settings, surroundings
