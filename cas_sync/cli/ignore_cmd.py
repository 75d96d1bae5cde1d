"""`cas-sync ignore`: what is not synced, and which rule says so."""

import os
import re
from pathlib import Path
from typing import Any

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.json_out import is_text, print_answer, print_event
from cas_sync.cli.options import common, settings_in
from cas_sync.cli.paths import inside_data
from cas_sync.cli.render import plural
from cas_sync.engine import ignoring
from cas_sync.engine.ignoring import Added, Checked
from cas_sync.engine.named import below_data
from cas_sync.engine.settings import Settings
from cas_sync.errors import UsageError
from cas_sync.formats.config_json import Config
from cas_sync.plan.ignore_rules import escaped


@click.group()
@common
@click.pass_context
def ignore(ctx: click.Context, /, **given: Any) -> None:
    """Leave files out: add rules, ask which one decides, list them.

    \b
    cas-sync ignore add '*.tmp' scratch/             for the whole team, in .casignore
    cas-sync ignore add --local Data/huge.parquet    on this machine only
    cas-sync ignore check Data/a.tmp                 which rule decides

    What is ignored is left as it is, here and in the store: it is neither deleted nor
    changed anywhere.
    """
    ctx.obj = given


@ignore.command(short_help="Add rules to .casignore, which the team shares.")
@click.argument("patterns", nargs=-1, required=True, metavar="PATTERN...")
@click.option("--local", is_flag=True, help="Paths, not patterns; for this machine only.")
@common
@click.pass_context
def add(ctx: click.Context, /, patterns: tuple[str, ...], *, local: bool, **given: Any) -> int:
    """Add rules to .casignore, which the team shares.

    A rule is a pattern as in .gitignore. The path of a file or folder that is there becomes
    the pattern that names it and nothing else.
    """
    for each in patterns:
        if not is_text(each):
            raise UsageError(f"{each!r} is no text", cause="the lists are written as UTF-8")
    settings, start, given = _open(ctx, given)
    if local:
        paths = [_exact(each, settings.data, start) for each in patterns]
        added = ignoring.add_local_paths(settings, paths)
    else:
        texts = [_pattern(each, settings.data, start) for each in patterns]
        added = ignoring.add_patterns(settings, texts)
    if given["as_json"]:
        print_event({"event": "summary", "file": added.file, "added": added.lines, "exit": 0})
    elif not given["quiet"]:
        _print_added(added)
    return exit_codes.OK


@ignore.command(short_help="Say which rule decides about a path.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@common
@click.pass_context
def check(ctx: click.Context, /, paths: tuple[str, ...], **given: Any) -> int:
    """Say for each path which rule decides: the file, its line, the pattern."""
    settings, start, given = _open(ctx, given)
    asked = []
    for each in paths:
        path = inside_data(each, settings.data, start)
        asked.append((path, each.endswith(("/", os.sep)) or (settings.data / path).is_dir()))
    found = ignoring.check(settings, asked)
    if given["as_json"]:
        print_answer("ignore check", [_json(each) for each in found])
    else:
        for checked in found:
            click.echo(f"{checked.path}   {_reason(checked, settings)}")
    return exit_codes.OK


@ignore.command(name="list", short_help="List every rule in force and where it comes from.")
@common
@click.pass_context
def list_(ctx: click.Context, /, **given: Any) -> int:
    """List every rule in force and where it comes from; the last one that fits decides."""
    settings, _, given = _open(ctx, given)
    rules = ignoring.list_rules(settings)
    if given["as_json"]:
        rows = [{"source": r.source, "line": r.line, "pattern": r.text} for r in rules]
        print_answer("ignore list", {"rules": rows, "only": list(settings.only)})
        return exit_codes.OK
    for rule in rules:
        click.echo(f"{rule.where}:{rule.text}")
    for pattern in settings.only:
        click.echo(f"only wanted here ({_only_source(settings)}):{pattern}")
    return exit_codes.OK


def _open(ctx: click.Context, given: dict[str, Any]) -> tuple[Settings, Path, dict[str, Any]]:
    """Return the configuration; options count before and after the inner command's name."""
    start = ctx.obj["start"] / given["start"]
    both = {name: ctx.obj[name] or value for name, value in given.items()}
    settings, _ = settings_in(start, Config())
    return settings, start, both


def _pattern(text: str, data: Path, start: Path) -> str:
    """Return a pattern as it is, and for the path of something there the one that names it."""
    for base in (start.resolve(), data) if text.strip() else ():
        named = below_data(base / text, data)
        if named is not None and os.path.lexists(path := data / named):
            is_dir = path.is_dir() and not path.is_symlink()
            return escaped(_nonempty(text, named), is_dir=is_dir)
    if ".." in text.replace(os.sep, "/").removeprefix("!").split("/"):
        raise UsageError(
            f"{text} names nothing in the data folder {data}",
            cause="no pattern leads out of a folder",
        )
    return text


def _exact(text: str, data: Path, start: Path) -> str:
    """Return the path that is named; refuse what looks like a pattern and names nothing."""
    named = _nonempty(text, inside_data(text, data, start))
    if re.search(r"[*?\[]", named) and not os.path.lexists(data / named):
        raise UsageError(
            f"there is no file {text}",
            cause="--local takes exact paths, and no patterns",
            fix=f"for the whole team:  cas-sync ignore add '{text}'",
        )
    return named


def _nonempty(given: str, path: str) -> str:
    if not path:
        raise UsageError(f"{given} is all of the data folder")
    return path


def _print_added(added: Added) -> None:
    for line in added.lines:
        click.echo(f"{added.file}: added {line}")
    for line in added.known:
        click.echo(f"{added.file}: {line} was there already")
    if added.n_shared:
        files = plural(added.n_shared, "file")
        click.echo(f"{files} already shared: left as they are for everyone, no longer synced")


def _reason(checked: Checked, settings: Settings) -> str:
    verdict = checked.verdict
    rule = f"{verdict.rule.where}:{verdict.rule.text}" if verdict.rule else ""
    if verdict.is_ignored:
        return rule
    if not checked.is_wanted:
        return f"not wanted here ({_only_source(settings)}: {', '.join(settings.only)})"
    return f"not ignored ({rule})" if rule else "not ignored"


def _only_source(settings: Settings) -> str:
    return f"only in {settings.origins.get('only', 'the configuration')}"


def _json(checked: Checked) -> dict[str, Any]:
    rule = checked.verdict.rule
    return {
        "path": checked.path,
        "ignored": checked.verdict.is_ignored,
        "wanted": checked.is_wanted,
        "source": rule.source if rule else None,
        "line": rule.line if rule else None,
        "pattern": rule.text if rule else None,
    }
