"""How the steps of a plan are grouped for people: by what happens, or as s3synchrony asked."""

from enum import Enum

from cas_sync.plan.outline import is_new
from cas_sync.plan.step import Act, Step


class Group(Enum):
    """What happens, in the order in which it is shown."""

    UPLOAD = "Upload"
    DOWNLOAD = "Download"
    DELETE_THERE = "Delete in the store"
    DELETE_HERE = "Delete here"
    CONFLICT = "Conflict"


_GROUPS = {
    Act.UPLOAD: Group.UPLOAD,
    Act.SET_OURS_ASIDE: Group.UPLOAD,
    Act.SET_THEIRS_ASIDE: Group.DOWNLOAD,
    Act.DOWNLOAD: Group.DOWNLOAD,
    Act.DELETE_THERE: Group.DELETE_THERE,
    Act.DELETE_HERE: Group.DELETE_HERE,
    Act.CONFLICT: Group.CONFLICT,
    Act.KEEP_BOTH: Group.CONFLICT,
    Act.TAKE_OURS: Group.CONFLICT,
    Act.TAKE_THEIRS: Group.CONFLICT,
}


def group_of(step: Step) -> Group | None:
    """Return the group a step is shown in; `None` where there is nothing to be agreed to."""
    return _GROUPS.get(step.act)


class Phase(Enum):
    """The questions of s3synchrony, in its order."""

    PUSH_DELETED = "UPLOAD: delete in the store what was deleted here"
    PULL_DELETED = "DOWNLOAD: delete here what was deleted in the store"
    PUSH_NEW = "UPLOAD: new files"
    PULL_NEW = "DOWNLOAD: new files"
    PUSH_MODIFIED = "UPLOAD: files changed here"
    PULL_MODIFIED = "DOWNLOAD: files changed in the store"
    REVERT_REMOTE = "UPLOAD: put the store back to your versions"
    REVERT_LOCAL = "DOWNLOAD: put your files back to the versions in the store"


REOFFERED = {
    Phase.PUSH_NEW: (Phase.PULL_DELETED, Act.UPLOAD),
    Phase.PULL_NEW: (Phase.PUSH_DELETED, Act.DOWNLOAD),
    Phase.REVERT_REMOTE: (Phase.PULL_MODIFIED, Act.TAKE_OURS),
    Phase.REVERT_LOCAL: (Phase.PUSH_MODIFIED, Act.TAKE_THEIRS),
}
"""What a phase offers again that an earlier one was told not to do, and how it is done then."""


def phase_of(step: Step) -> Phase | None:
    """Return the phase in which a step is asked for; `None` where it is in none."""
    match step.act:
        case Act.DELETE_THERE:
            return Phase.PUSH_DELETED
        case Act.DELETE_HERE:
            return Phase.PULL_DELETED
        case Act.UPLOAD | Act.SET_OURS_ASIDE:
            return Phase.PUSH_NEW if is_new(step) else Phase.PUSH_MODIFIED
        case Act.DOWNLOAD | Act.SET_THEIRS_ASIDE:
            return Phase.PULL_NEW if is_new(step) else Phase.PULL_MODIFIED
        case _:
            return None
