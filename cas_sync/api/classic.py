"""s3synchrony's functions, on top of platforms: nothing is printed, asked or written beside.

Where s3synchrony asked, these agree to the plan, leave conflicts alone and pass no guard;
``ask`` takes a callable for those who want questions.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Unpack

from cas_sync.api.arguments import Overrides, config_of
from cas_sync.api.asking import Ask
from cas_sync.api.events import Listener
from cas_sync.api.platforms import DataPlatformConnection, Tell, Terms, find_platform
from cas_sync.api.project import project_in
from cas_sync.api.results import ResetResult, SyncResult
from cas_sync.errors import UsageError

Platform = str | type[DataPlatformConnection]


def run(
    *,
    message: str = "",
    on_conflict: str = "ask",
    ask: Ask | None = None,
    progress: Listener | None = None,
    **overrides: Unpack[Overrides],
) -> SyncResult:
    """Sync the project of the current folder, by its cas-sync.json or s3synchrony.json.

    Args:
        message: Why, for the log.
        on_conflict: ``ask`` (leave them alone), ``keep-both``, ``mine``, ``theirs``, ``fail``.
        ask: Is given the `Plan` and returns `True`, `False`, or what of it is meant.
        progress: Is given small dictionaries about what happens.
        overrides: As in `Project.open`.

    Raises:
        NotAProjectError: There is no configuration here or above.
        CasSyncError: It could not be done.
    """
    project = project_in(".", config_of(dict(overrides), "run"))
    return project.sync(
        message=message, on_conflict=on_conflict, adopt=True, ask=ask, progress=progress
    )


def smart_sync(
    platform: Platform = "S3",
    *,
    message: str = "",
    on_conflict: str = "ask",
    ask: Ask | None = None,
    tell: Tell | None = None,
    progress: Listener | None = None,
    **kwargs: Any,
) -> SyncResult:
    """Sync a data folder with a platform; no configuration file is needed.

    ``smart_sync(platform="S3", aws_bkt="team-data", aws_prfx="churn", datafolder="Data")``

    Args:
        platform: One of `get_supported_platforms`, whatever the case, or a child of
            `DataPlatformConnection`.
        message: Why, for the log.
        on_conflict: ``ask`` (leave them alone), ``keep-both``, ``mine``, ``theirs``, ``fail``.
        ask: Is given the `Plan` and returns `True`, `False`, or what of it is meant.
        tell: Is given the sentences that s3synchrony printed: ``tell=print``.
        progress: Is given small dictionaries about what happens.
        kwargs: ``aws_bkt``, ``aws_prfx`` or ``remote_data_dir``, ``datafolder`` or
            ``local_data_rel_dir`` (from the current folder), ``credentials`` (a dictionary
            as boto3 has it), ``aws_role_shorthand``, ``_name``, ``template``, ``platforms``,
            and the keys of cas-sync.json: ``store``, ``profile``, ``region``, ...

    Returns:
        What was done; an empty result where a child's `synchronize` returns nothing, and
        whatever else it returns as it is.

    Raises:
        UsageError: There is no such platform or keyword.
        CasSyncError: It could not be done.
    """
    connection = _connection(platform, kwargs)
    connection.terms = Terms(message, on_conflict, ask=ask, progress=progress)
    _tell(tell, connection.intro_message())
    connection.establish_connection()
    result = connection.synchronize()
    if result is None:
        result = SyncResult()
    if isinstance(result, SyncResult):
        for note in result.notes:
            _tell(tell, note)
    _tell(tell, connection.close_message())
    return result


def reset_confirm(platform: Platform = "S3", **kwargs: Any) -> ResetResult:
    """Return what a reset would remove; nothing is removed.

    Args:
        platform: As in `smart_sync`.
        kwargs: As in `smart_sync`.
    """
    connection = _connection(platform, kwargs)
    connection.establish_connection()
    return connection.project.reset(confirm=False)


def reset_all(
    platform: Platform = "S3",
    confirm: bool = False,  # noqa: FBT001, FBT002 - reset_all("S3", True) is what people type
    *,
    ask: Callable[[ResetResult], bool] | None = None,
    tell: Tell | None = None,
    even_if_incomplete: bool = False,
    **kwargs: Any,
) -> ResetResult:
    """Remove `.S3` here and under the prefix; the files of the data folder stay.

    Args:
        platform: As in `smart_sync`.
        confirm: Has to be `True`, or `ask` has to say so.
        ask: Is given what would go, and returns whether it may.
        tell: Is given the sentences that s3synchrony printed.
        even_if_incomplete: Whether to go on although files of the latest commit are not
            here; they are lost then.
        kwargs: As in `smart_sync`.

    Returns:
        What was removed, or what would have been where somebody said no.

    Raises:
        UsageError: Nobody confirmed it.
        GuardError: Files of the latest commit are not here.
    """
    if not confirm and ask is None:
        raise UsageError(
            "a reset has to be confirmed",
            fix="see what would go:  cas_sync.reset_confirm(...)\n"
            "do it:  cas_sync.reset_all(..., confirm=True)",
            state="nothing was removed",
        )
    connection = _connection(platform, kwargs)
    connection.terms = Terms(even_if_incomplete=even_if_incomplete)
    _tell(tell, connection.intro_message())
    connection.establish_connection()
    said = connection.reset_confirm()
    shown = said if isinstance(said, ResetResult) else ResetResult()
    if not said or (ask is not None and not ask(shown)):
        return shown
    connection.approved = True
    # The store first: it is checked against what the data folder knows of it.
    there, here = connection.reset_remote(), connection.reset_local()
    _tell(tell, connection.close_message())
    if there is None or here is None:
        return replace(shown, removed=True)
    return replace(there, local=True, n_kept=here.n_kept)


def _connection(platform: Platform, kwargs: dict[str, Any]) -> DataPlatformConnection:
    connection = find_platform(platform)(**kwargs)
    # A child with a constructor of its own may not have kept them.
    connection.__dict__.setdefault("kwargs", kwargs)
    return connection


def _tell(tell: Tell | None, text: str | None) -> None:
    if tell is not None and text:
        tell(text)
