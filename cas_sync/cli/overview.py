"""`cas-sync` alone: where things are and what to type next, without asking the store."""

import os
from pathlib import Path

import click

from cas_sync.engine.project_file import find_config

_OUTSIDE = """\
Keep a team's data folder the same on every machine, through a bucket and no server.

This folder is in no project. To begin:
  cas-sync init                               set up this folder; asks four questions
  cas-sync sync --store s3://team-data/churn  set up and sync at once
  cas-sync clone s3://team-data/churn         join a team in a new folder
  cas-sync demo                               see how it works, in a temporary place
Every day:
  cas-sync sync                               make this folder and the store the same

All commands:  cas-sync --help"""

_INSIDE = """
  cas-sync sync -n    ask the store, and show what a sync would do
  cas-sync sync       do it
  cas-sync log -n 5   who changed what, when"""


def show_overview() -> None:
    """Show how this project stands, or how to begin one.

    Raises:
        CasSyncError: There is a project, and it cannot be looked at.
    """
    start = Path()
    if not (os.environ.get("CAS_SYNC_STORE") or find_config(start, os.environ)):
        click.echo(_OUTSIDE)
        return
    # Imported here because it takes its time, and only a project needs it.
    from cas_sync.cli.status_cmd import show_offline  # noqa: PLC0415

    show_offline(start)
    click.echo(_INSIDE)
