"""`cas-sync clone`: join a team in a new folder."""

import contextlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from cas_sync.cli.options import common, flags_of, work_options
from cas_sync.cli.sync_cmd import sync_in
from cas_sync.engine.project_file import find_config
from cas_sync.engine.settings import anchored
from cas_sync.engine.sync_report import SyncOptions, Target
from cas_sync.errors import CasSyncError, ConfigError


@click.command()
@click.argument("url")
@click.argument("directory", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--only", multiple=True, metavar="GLOB", help="Take what matches, now and from now on."
)
@click.option("--rev", default="", help="Bring this version instead of the latest.")
@work_options
@common
def clone(
    url: str,
    directory: Path | None,
    *,
    only: tuple[str, ...],
    rev: str,
    start: Path,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
    **values: Any,
) -> int:
    """Join: set up a new folder from a store, and download everything.

    \b
    cas-sync clone s3://team-data/churn            into ./churn, files in ./churn/Data
    cas-sync clone ../team-store work --data Data
    cas-sync clone ../team-store --only 'clean/**' and keep to that part
    cas-sync clone ../team-store --rev v1          as it was; the next sync brings the latest
    """
    del debug
    place = anchored(url, start.resolve())
    target = start / (directory or Path(url.strip().rstrip("/").rpartition("/")[2] or "data"))
    if find_config(target, {**os.environ, "CAS_SYNC_CONFIG": ""}) == (
        target.resolve() / "cas-sync.json"
    ):
        raise ConfigError(
            f"{target} is a project already", fix=f"cas-sync sync -C {target}", code="E204"
        )
    if Path(place).is_absolute():
        place = os.path.relpath(os.path.realpath(place), target.resolve())
    is_new = not target.exists()
    target.mkdir(parents=True, exist_ok=True)
    try:
        return sync_in(
            target,
            replace(flags_of(values), store=place),
            lambda _: SyncOptions(
                only=only, push=False, joins=True, target=Target(rev) if rev else None
            ),
            sets_up=True,
            takes_back=(CasSyncError,),
            yes=True,
            as_json=as_json,
            quiet=quiet,
            verbose=verbose,
        )
    except CasSyncError:
        if is_new:
            with contextlib.suppress(OSError):
                target.rmdir()  # it stays if anything is in it
        raise
