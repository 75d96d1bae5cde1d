"""Changing one value in a configuration file, and nothing else in it."""

import codecs
import contextlib
import difflib
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from cas_sync.engine.settings import LOCAL_FILE, NOT_LOCAL, Settings, local_file
from cas_sync.errors import AccessError, ConfigError, UsageError
from cas_sync.formats import config_json, json_edit, json_text
from cas_sync.formats.config_json import CREDENTIALS, KEYS
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.state import LocalState
from cas_sync.worktree.trouble import translated

_SECRET = re.compile(
    rf"{CREDENTIALS}|access_?key|secret|session_?token|password", re.IGNORECASE
)


def remember_local(settings: Settings, key: str, value: object) -> Path:
    """Note in ``.S3/local.json`` what holds for this project on this machine.

    Args:
        settings: The project.
        key: A key of cas-sync.json but ``store`` and ``data``; inner ones with a dot.
        value: What to note, as JSON has it; `None` to forget it.

    Returns:
        The file.

    Raises:
        ConfigError: The value does not fit, or the file is malformed.
        WorktreeError: It cannot be written.
    """
    change_local(settings.data, key, value)
    return local_file(settings.data)


def parse(key: str, words: Sequence[str]) -> object:
    """Return the value that somebody typed for a key, as JSON has it.

    Raises:
        AccessError: It would be a secret.
        UsageError: There is no such key, or no such value of it.
    """
    refuse_secret(key)
    if key not in KEYS:
        raise unknown_key(key)
    _, expected, reader = KEYS[key]
    tries: list[object] = [words[0]] if len(words) == 1 else []
    with contextlib.suppress(ValueError, RecursionError):
        tries += [json.loads(word) for word in words] if len(words) == 1 else []
    tries.append(list(words))
    for value in tries:
        with contextlib.suppress(ValueError):
            if reader(value) is not None:
                return value
    raise UsageError(f'"{key}" must be {expected}', code="E202")


def unknown_key(key: str) -> UsageError:
    """Return the error of a key that does not exist, with the near one."""
    near = difflib.get_close_matches(key, KEYS, 1) or [
        each for each in KEYS if each.rpartition(".")[2] == key
    ]
    hint = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(KEYS)}"
    return UsageError(f'there is no key "{key}"', fix=hint, code="E202")


def refuse_secret(key: str) -> None:
    """Refuse to write AWS keys anywhere.

    Raises:
        AccessError: ``key`` is the name of one.
    """
    if _SECRET.search(key):
        raise AccessError(
            f"cas-sync writes no AWS keys into a file, so {key} cannot be set",
            cause="whoever reads the file would have them",
            fix="aws configure --profile NAME\ncas-sync config set profile NAME",
            code="E208",
        )


def change(path: Path, key: str, value: object) -> bool:
    """Change one value in a file that is there or begins with this; `None` removes it.

    Returns:
        Whether anything changed.

    Raises:
        ConfigError: The file would be malformed, or cannot be read or written.
    """
    return _change(path, path.name, key, value, lambda data: replace_file(path, data))


def change_local(data: Path, key: str, value: object) -> bool:
    """Change one value of this machine, for the project whose data folder is ``data``.

    Returns:
        Whether anything changed.

    Raises:
        ConfigError: The file would be malformed, or says what it cannot say.
        WorktreeError: It cannot be written.
    """
    if key in NOT_LOCAL and value is not None:
        raise ConfigError(
            f'"{key}" cannot be set for this machine alone in a file',
            cause=f"{LOCAL_FILE} lies in the data folder, which belongs to one store",
            fix=f"set CAS_SYNC_{key.upper()}, or give --{key}",
            code="E202",
        )

    def write(text: bytes) -> None:
        with translated(str(data)):
            data.mkdir(parents=True, exist_ok=True)
            with Folder(str(data)) as folder:
                state = LocalState(folder)
                state.create()
                state.replace_text(LOCAL_FILE, [text.decode()])

    return _change(local_file(data), LOCAL_FILE, key, value, write)


def _change(
    path: Path, name: str, key: str, value: object, write: Callable[[bytes], None]
) -> bool:
    try:
        before = path.read_bytes()
    except FileNotFoundError:
        if value is None:
            return False
        before = b"{}\n"
    except OSError as error:
        raise ConfigError(f"cannot read {path}", cause=str(error.strerror)) from error
    text = json_text.read(before, name).text
    if value is None:
        changed = json_edit.remove_member(text, key)
    else:
        changed = json_edit.set_member(text, key, value)
    if changed is None or changed == text:
        return False
    after = changed.encode()
    config_json.load(after, name)
    if before.startswith(codecs.BOM_UTF8):
        after = codecs.BOM_UTF8 + after
    write(after)
    return True


def replace_file(path: Path, data: bytes) -> None:
    """Replace a file, all or nothing; a link stays one.

    Raises:
        ConfigError: It cannot be written.
    """
    target = path.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Not by mkstemp: a new file is for whoever may read its folder, as git needs it.
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                shutil.copymode(target, temporary)
            temporary.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
    except OSError as error:
        raise ConfigError(f"cannot write {path}", cause=str(error.strerror)) from error
