"""The promised exit codes. Unknown codes mean failure."""

from cas_sync import errors

OK = 0
BUG = 1
USAGE = 2
INCOMPLETE = 3
ACCESS = 4
CONFIG = 5
UNAVAILABLE = 6
RACE_LOST = 7
GUARD = 8
DAMAGE = 9
DIFFERENCES = 10
INTERRUPTED = 130

MEANINGS = {
    OK: "done, or nothing to do",
    BUG: "unexpected error",
    USAGE: "usage, or a question was needed and there is no terminal",
    INCOMPLETE: "finished, but conflicts or skipped files remain",
    ACCESS: "credentials or permission",
    CONFIG: "configuration",
    UNAVAILABLE: "store unreachable, or outcome not yet known: run again",
    RACE_LOST: "lost the race too often: run again",
    GUARD: "stopped by a guard with nothing changed, or no room on the disk",
    DAMAGE: "damaged or missing object",
    DIFFERENCES: "differences exist (with --exit-code)",
    INTERRUPTED: "interrupted",
}

_BY_ERROR: dict[type[errors.CasSyncError], int] = {
    errors.CasSyncError: BUG,
    errors.UsageError: USAGE,
    errors.ConfigError: CONFIG,
    errors.StoreError: UNAVAILABLE,
    errors.AccessError: ACCESS,
    errors.RaceLostError: RACE_LOST,
    errors.GuardError: GUARD,
    errors.WorktreeError: ACCESS,
    errors.BusyError: RACE_LOST,
    errors.DamageError: DAMAGE,
}


def exit_code(error: errors.CasSyncError) -> int:
    """Return the exit code for an error: that of its nearest listed kind."""
    return next(_BY_ERROR[kind] for kind in type(error).__mro__ if kind in _BY_ERROR)
