"""Every error cas-sync raises on purpose.

Grouped by who has to act. A conflict, a lost race and a moved head are expected and
therefore values, not errors. Each kind knows with which exit code a command ends that meets
it; `cli/exit_codes.py` has the names of these codes, and only `cli` ends anything.

    CasSyncError
    ├── UsageError             the command asks for what cannot be answered
    ├── ConfigError            cas-sync.json, the environment or the store's set-up
    │   ├── NotAProjectError   no configuration here or above
    │   └── UnsafeStoreError   the store does not keep two writers apart
    ├── StoreError             the shared prefix
    │   ├── AccessError        credentials or permission
    │   ├── UnavailableError   no answer, or "try later"
    │   ├── OutcomeUnknownError  the head may or may not have moved
    │   └── RaceLostError      others were faster, too often
    ├── GuardError             going on could lose data
    │   ├── RepositoryResetError  the shared history this folder knew is gone
    │   └── DiskFullError      no room for what is to be written
    ├── WorktreeError          the data folder could not be read or written
    │   └── BusyError          another cas-sync works in this folder
    └── DamageError            bytes that do not match their name
        └── FormatError        bytes that are not in the format they claim
"""


class CasSyncError(Exception):
    """Base of every error raised on purpose.

    Attributes:
        code: Stable identifier for scripts and documentation.
        message: What happened, and to which thing.
        cause: Why, as far as known; may be empty.
        fix: The next command to type, or what to do; may be empty.
        state: What was left as it was.
        exit_code: How a command that meets it ends.
    """

    code = "E900"
    exit_code = 1
    default_state = "nothing was changed"

    def __init__(
        self,
        message: str,
        *,
        cause: str = "",
        fix: str = "",
        code: str | None = None,
        state: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.cause = cause
        self.fix = fix
        self.code = code or type(self).code
        self.state = self.default_state if state is None else state


class UsageError(CasSyncError):
    """The command line asks for something that cannot be done or answered."""

    code = "E001"
    exit_code = 2


class ConfigError(CasSyncError):
    """The configuration or the store's set-up has to be changed."""

    code = "E200"
    exit_code = 5


class NotAProjectError(ConfigError):
    """No configuration was found here or in a folder above."""

    code = "E203"


class UnsafeStoreError(ConfigError):
    """The store does not honour conditional writes."""

    code = "E115"


class StoreError(CasSyncError):
    """The shared prefix refused or failed a request."""

    code = "E100"
    exit_code = 6


class AccessError(StoreError):
    """Credentials are missing, wrong or not allowed to do this; retrying is useless."""

    code = "E106"
    exit_code = 4


class UnavailableError(StoreError):
    """The store did not answer, or asked to come back later; retrying is sensible."""

    code = "E110"


class OutcomeUnknownError(StoreError):
    """The head may or may not have moved; the next sync finds out."""

    code = "E118"
    default_state = "your files are untouched and nothing that was uploaded is removed"


class RaceLostError(StoreError):
    """Others moved the head first, again and again."""

    code = "E401"
    exit_code = 7
    default_state = "what was uploaded is kept and will not be sent again"


class GuardError(CasSyncError):
    """Going on could lose data, so nothing was done."""

    code = "E206"
    exit_code = 8


class RepositoryResetError(GuardError):
    """The shared history that this folder knew is closed, gone or another one."""

    code = "E209"
    default_state = "your files are untouched"


class DiskFullError(GuardError):
    """There is no room for what is to be written."""

    code = "E207"
    default_state = "every file is whole; what was not written is written by the next sync"


class WorktreeError(CasSyncError):
    """The data folder could not be read or written."""

    code = "E300"
    exit_code = 4


class BusyError(WorktreeError):
    """Another cas-sync is at work in this folder."""

    code = "E305"
    exit_code = 7


class DamageError(CasSyncError):
    """Stored bytes do not match their name, or are missing."""

    code = "E501"
    exit_code = 9


class FormatError(DamageError):
    """Bytes are not in the format they claim, or in one this version cannot read."""

    code = "E502"
