"""`cas-sync init`: configuration, and the store tested before it is trusted."""

import json
import os
from pathlib import Path
from typing import Any

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.bars import Plain
from cas_sync.cli.options import common, flags_of, settings_in, store_options
from cas_sync.engine.begin import ensure_config, run_init


@click.command()
@store_options
@common
def init(
    *,
    start: Path,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
    **values: Any,
) -> int:
    """Set up this folder and test the store.

    Writes cas-sync.json, which holds no secret and belongs into git, and races the store:
    one that cannot keep two writers apart is refused.

    \b
    cas-sync init --store s3://team-data/churn --data Data
    cas-sync init --store ../team-store
    """
    del verbose, debug
    flags = flags_of(values)
    config = ensure_config(start, flags, os.environ)
    settings, surroundings = settings_in(start, flags)
    progress = Plain(surroundings.clock, bars=False)
    report = run_init(settings, surroundings, progress, config)
    if as_json:
        result = {
            "config": str(report.config) if report.config else None,
            "store": settings.address.url,
            "data": str(settings.data),
            "repo_id": report.repo_id,
            "new": report.is_new,
            "files": report.files,
        }
        click.echo(json.dumps({"schema": 1, "command": "init", "result": result}))
    elif not quiet:
        if report.config:
            click.echo(f"Wrote {report.config}   (commit this: it holds no secret)")
        click.echo(f"{settings.address.url} keeps two writers apart.")
        what = "is new" if report.is_new else f"holds {report.files:,} files"
        click.echo(f"The shared folder {what}.")
        click.echo("hint: next  cas-sync sync", err=True)
    return exit_codes.OK
