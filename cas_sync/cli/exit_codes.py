"""The promised exit codes. Unknown codes mean failure."""

from cas_sync.errors import CasSyncError

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


def exit_code(error: CasSyncError) -> int:
    """Return the exit code for an error; its class says it."""
    return error.exit_code
