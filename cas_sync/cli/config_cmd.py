"""`cas-sync config`: what is configured, where it was said, and changing it."""

import json
import os
from pathlib import Path
from typing import Any

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.json_out import print_answer
from cas_sync.cli.main import show_error
from cas_sync.cli.options import common, of_both
from cas_sync.engine import config_edit
from cas_sync.engine.config_check import Value, check, refuse_bad_endpoint, values_of
from cas_sync.engine.layers import is_seed_file
from cas_sync.engine.places import refuse_bad_data_folder, refuse_overlap
from cas_sync.engine.project_file import find_config
from cas_sync.engine.settings import (
    DEFAULT_DATA,
    DEFAULT_STORE,
    local_file,
    no_project,
    resolve,
    user_file,
)
from cas_sync.errors import ConfigError, UsageError
from cas_sync.formats.config_json import CREDENTIALS, FILE_NAME, KEYS, Config
from cas_sync.model.credentials import without_login
from cas_sync.store.bucket import StoreAddress
from cas_sync.store.connect import open_bucket


@click.group(no_args_is_help=True)
@common
@click.pass_context
def config(ctx: click.Context, /, **given: Any) -> None:
    """Show and change the configuration, and where each value was said.

    \b
    cas-sync config list --origin                     every value, and where it was said
    cas-sync config set profile dev --local           for this project on this machine
    cas-sync config set ignore 'scratch/**' '*.bak'   a list

    A flag goes before the environment, that before .S3/local.json (this machine, this
    project), that before cas-sync.json or s3synchrony.json, that before your own file.
    """
    ctx.obj = given


def _target(function: Any) -> Any:
    for option in (
        click.option("--user", is_flag=True, help="In your own file, for all projects."),
        click.option("--local", is_flag=True, help="For this project on this machine."),
    ):
        function = option(function)
    return function


@config.command("list")
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
@common
@click.pass_obj
def list_(outer: dict[str, Any], /, *, origin: bool, **inner: Any) -> int:
    """Show every value in force."""
    given = of_both(outer, inner)
    values = values_of(resolve(given["start"], Config(), os.environ), os.environ)
    if given["as_json"]:
        print_answer("config list", [_as_json(value) for value in values])
        return exit_codes.OK
    for value in values:
        if value.value is not None:
            said = f"   ({value.origin})" if origin else ""
            click.echo(f"{value.key} = {_as_text(value.value)}{said}")
    return exit_codes.OK


@config.command()
@click.argument("key")
@common
@click.pass_obj
def get(outer: dict[str, Any], /, key: str, **inner: Any) -> int:
    """Show one value in force."""
    given = of_both(outer, inner)
    values = values_of(resolve(given["start"], Config(), os.environ), os.environ)
    value = next((each for each in values if each.key == key), None)
    if value is None:
        raise config_edit.unknown_key(key)
    if given["as_json"]:
        print_answer("config get", _as_json(value))
    elif value.value is not None:
        click.echo(_as_text(value.value))
    return exit_codes.OK


@config.command("set")
@click.argument("key")
@click.argument("value", nargs=-1, required=True)
@_target
@common
@click.pass_obj
def set_(
    outer: dict[str, Any],
    /,
    key: str,
    value: tuple[str, ...],
    *,
    local: bool,
    user: bool,
    **inner: Any,
) -> int:
    """Change one value in cas-sync.json.

    Everything else in the file stays as it is, also its order and its indentation. A list
    takes several values, or one JSON list.
    """
    given = of_both(outer, inner)
    folder = given["start"]
    parsed = config_edit.parse(key, value)
    if key in ("store", "data") and not local:
        _refuse_bad(folder, key, str(parsed))
    if key == "endpoint_url":
        refuse_bad_endpoint(str(parsed))
    path, changed = _change(folder, key, parsed, local=local, user=user)
    if given["as_json"]:
        result = {"key": key, "value": parsed, "path": str(path), "changed": changed}
        print_answer("config set", result)
    elif not given["quiet"]:
        click.echo(f"{key} = {_as_text(parsed)}   ({path})", err=True)
    return exit_codes.OK


@config.command()
@click.argument("key")
@_target
@common
@click.pass_obj
def unset(outer: dict[str, Any], /, key: str, *, local: bool, user: bool, **inner: Any) -> int:
    """Remove one value from cas-sync.json."""
    given = of_both(outer, inner)
    path, changed = _change(given["start"], key, None, local=local, user=user)
    if not changed and key not in (*KEYS, CREDENTIALS):
        raise config_edit.unknown_key(key)
    if given["as_json"]:
        print_answer("config unset", {"key": key, "path": str(path), "changed": changed})
    elif not given["quiet"]:
        what = "is no more said" if changed else "was not said"
        click.echo(f"{key} {what} in {path}", err=True)
    return exit_codes.OK


@config.command()
@_target
@common
@click.pass_obj
def path(outer: dict[str, Any], /, *, local: bool, user: bool, **inner: Any) -> int:
    """Show which file is in force."""
    given = of_both(outer, inner)
    found = _path(given["start"], local=local, user=user)
    if given["as_json"]:
        print_answer("config path", {"path": str(found)})
    else:
        click.echo(str(found))
    return exit_codes.OK


@config.command()
@common
@click.pass_obj
def validate(outer: dict[str, Any], /, **inner: Any) -> int:
    """Say what is wrong with the configuration.

    An unknown key, which is a warning elsewhere, is wrong here. The store is not asked.
    """
    given = of_both(outer, inner)
    files, wrong = check(given["start"], os.environ)
    if given["as_json"]:
        findings = [
            {"code": e.code, "message": e.message, "cause": e.cause, "fix": e.fix}
            for e in wrong
        ]
        print_answer("config validate", {"files": files, "findings": findings})
    else:
        for error in wrong:
            show_error(error, as_json=False)
        if not wrong and not given["quiet"]:
            click.echo(f"{', '.join(files) or 'The environment'}: nothing wrong")
    return exit_codes.CONFIG if wrong else exit_codes.OK


def _change(
    folder: Path, key: str, value: object, *, local: bool, user: bool
) -> tuple[Path, bool]:
    found = _path(folder, local=local, user=user)
    if local:
        there = resolve(folder, Config(), os.environ)
        data, store = there.data, there.config.store or DEFAULT_STORE
        refuse_bad_data_folder(there.root, str(data), store, there.config.origins)
        return found, config_edit.change_local(data, key, value)
    if is_seed_file(found):
        raise ConfigError(
            f"{found} is s3synchrony's file, and is left as it is",
            fix="cas-sync init      imports it into cas-sync.json, which can be changed\n"
            "or, for this machine alone, add --local",
            code="E202",
        )
    return found, config_edit.change(found, key, value)


def _path(folder: Path, *, local: bool, user: bool) -> Path:
    if local and user:
        raise UsageError("--local and --user exclude each other")
    if user:
        return user_file()
    found = find_config(folder, os.environ)
    if found is None:
        raise no_project(folder.resolve())
    return local_file(resolve(folder, Config(), os.environ).data) if local else found


def _refuse_bad(folder: Path, key: str, value: str) -> None:
    """Refuse a store or a data folder that cannot be one, before it is written."""
    said = resolve(folder, Config(), os.environ)
    store, data = said.config.store, said.config.data or DEFAULT_DATA
    origins = {"store": FILE_NAME, "data": FILE_NAME}
    if key == "data":
        refuse_bad_data_folder(said.root, value, store or DEFAULT_STORE, origins)
    else:
        open_bucket(StoreAddress(value)).close()
        refuse_overlap(said.root, data, value, origins)


def _as_json(value: Value) -> dict[str, object]:
    return {"key": value.key, "value": _safe(value.value), "origin": value.origin}


def _as_text(value: object) -> str:
    shown = _safe(value)
    return shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False)


def _safe(value: object) -> object:
    """Return a value without the user name and password that an address may hold."""
    return without_login(value) if isinstance(value, str) else value
