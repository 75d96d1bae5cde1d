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


_STORE_FLAGS = {
    "store": "store",
    "data": "data",
    "profile": "profile",
    "region": "region",
    "endpoint_url": "endpoint_url",
    "user": "user.name",
    "jobs": "jobs",
    "single_writer": "writers",
}
"""The parameters of `store_options`, and the keys of cas-sync.json that they go before."""


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


def of_both(outer: dict[str, Any], inner: dict[str, Any]) -> dict[str, Any]:
    """Return the options of `common` that were given before or after an inner command."""
    both = {name: outer[name] or value for name, value in inner.items()}
    return {**both, "start": outer["start"] / inner["start"]}


def store_options(function: F) -> F:
    """Add the options that say where the store and the data are."""
    option = click.option("--store", help="s3://bucket/prefix, or a folder that all can reach.")
    return option(work_options(function))


def work_options(function: F) -> F:
    """Add the options that say where the data are, and how the store is worked with."""
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
    ):
        function = option(function)
    return function


def flags_of(values: dict[str, Any]) -> Config:
    """Return the configuration that the flags of `store_options` make up.

    An empty ``--store`` is kept: it is refused and not taken for unsaid.
    """
    said = {name: values.pop(name, None) for name in _STORE_FLAGS}
    return Config(
        store=said["store"],
        data=said["data"],
        profile=said["profile"],
        region=said["region"],
        endpoint_url=said["endpoint_url"],
        user_name=said["user"],
        jobs=said["jobs"],
        writers="one" if said["single_writer"] else None,
        origins={
            key: f"--{name.replace('_', '-')}"
            for name, key in _STORE_FLAGS.items()
            if said[name] or said[name] == ""
        },
    )


def settings_in(start: Path, flags: Config) -> tuple[Settings, Surroundings]:
    """Return the configuration in force in ``start``, and the real surroundings.

    What is odd about it is told; what is only worth knowing, unless ``-q`` was given.
    """
    surroundings = Surroundings(env=os.environ)
    settings = load_settings(start, flags, surroundings.env)
    for warning in settings.warnings:
        click.echo(f"warning: {warning}", err=True)
    context = click.get_current_context(silent=True)
    if not (context and context.params.get("quiet")):
        for notice in settings.notices:
            click.echo(f"note: {notice}", err=True)
    return settings, surroundings
