"""`cas-sync doctor`: what a sync relies on, and what to do about what is wrong."""

import json
import os
from pathlib import Path
from typing import Any

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.json_out import print_answer
from cas_sync.cli.options import common, flags_of, settings_in, store_options
from cas_sync.cli.render import plural, visible
from cas_sync.engine.doctor import Check, Health, examine
from cas_sync.engine.policy import Role, policy_for
from cas_sync.engine.surroundings import Surroundings

_SIGNS = {Health.OK: "ok  ", Health.WARN: "warn", Health.FAIL: "FAIL"}


@click.command()
@click.option("--quick", is_flag=True, help="Test the store as briefly as init does.")
@click.option(
    "--iam-policy", is_flag=True, help="Print what AWS has to allow, and nothing else."
)
@click.option(
    "--role",
    type=click.Choice([each.value for each in Role]),
    help="For whom: writers need no right to delete. [default: writer]",
)
@store_options
@common
def doctor(
    *,
    quick: bool,
    iam_policy: bool,
    role: str | None,
    start: Path,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
    **values: Any,
) -> int:
    """Look at versions, configuration, disk, names, clock and store.

    \b
    cas-sync doctor
    cas-sync doctor --iam-policy --role reader

    The store is tested as several writers at once would use it, with small objects below
    .S3/tmp, which are removed afterwards.
    """
    del debug, verbose
    if role is not None and not iam_policy:
        raise click.UsageError("--role goes with --iam-policy.")
    flags = flags_of(values)
    if iam_policy:
        settings, _ = settings_in(start, flags)
        policy = policy_for(settings.address.url, Role(role or Role.WRITER))
        click.echo(json.dumps(policy, indent=2))
        return exit_codes.OK
    found = examine(start, flags, Surroundings(env=os.environ), quick=quick)
    if as_json:
        print_answer("doctor", {"checks": [to_json(each) for each in found.checks]})
    else:
        for each in found.checks:
            if not quiet or each.health is not Health.OK:
                _print(each)
        n = sum(each.health is not Health.OK for each in found.checks)
        click.echo("All is well." if not n else f"{plural(n, 'thing')} to look at.")
    return found.exit_code


def to_json(found: Check) -> dict[str, Any]:
    """Return what a check found as plain values."""
    fields = found._asdict()
    del fields["exit_code"]
    return fields


def _print(found: Check) -> None:
    where = f" {visible(found.path)}:" if found.path and found.path not in found.what else ""
    click.echo(f"{_SIGNS[found.health]} {found.code:<9}{where} {visible(found.what)}")
    for line in found.fix.splitlines():
        if found.health is not Health.OK:
            click.echo(f"      {line}")
