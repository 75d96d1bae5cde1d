"""Names for adopted files where several objects want one, on some disk or on all. Pure.

An S3 prefix can hold `a` and `a/b`, `Data/x` and `data/x`; a folder on many disks cannot.
The rules are those of a sync (`survey`), but nothing waits here for somebody to rename it:
the loser is taken under another name.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cas_sync.model.paths import RepoPath, fold, sort_key
from cas_sync.model.tree import Content, Found, Timestamp
from cas_sync.plan.adoption import Kind, Place
from cas_sync.plan.conflict import set_aside_name
from cas_sync.plan.survey import Survey, take
from cas_sync.plan.sync_plan import Rules, decide_all


@dataclass
class Named:
    """A file to be adopted, and the name it gets.

    Attributes:
        place: The object.
        path: Its name.
        content: What it holds.
        md5: The same as s3synchrony calls it.
        kind: What is known of it.
        editor: Who edited it.
        edited: When.
        reason: Why it is not just so.
        is_moved: Whether it has another name than it had.
    """

    place: Place
    path: RepoPath
    content: Content
    md5: str
    kind: Kind
    editor: str
    edited: Timestamp
    reason: str = ""
    is_moved: bool = False


def settle_names(files: Iterable[Named], warnings: dict[RepoPath, str]) -> None:
    """Give each file a name no other has, on any disk; leave out what cannot have one.

    Args:
        files: In path order; changed in place.
        warnings: Gets the names that not every system can hold, and why.
    """
    taken: dict[RepoPath, Named] = {}
    spelled = _spell_folders(files)
    # Whoever has its own name keeps it.
    for each in sorted(spelled, key=lambda file: file.path != file.place.object.key):
        if (other := taken.get(each.path)) is None:
            taken[each.path] = each
        else:
            _move(each, taken, f"{other.place.object.key} has its name")
    while True:
        survey = _survey(taken.values())
        trouble = dict(survey.refused)
        trouble.update(dict.fromkeys(survey.clashes, "there is a folder of this name"))
        if not trouble:
            warnings.update(survey.warnings)
            return
        for path, reason in trouble.items():
            # Nobody is asked to rename anything: it is done here.
            _move(taken.pop(path), taken, reason.partition(";")[0])


def _spell_folders(files: Iterable[Named]) -> Iterator[Named]:
    """Yield the files, each folder spelled as by the first file in it: disks fold case."""
    spellings: dict[str, str] = {}
    for each in files:
        folder, _, name = each.path.rpartition("/")
        written = ""
        for part in folder.split("/") if folder else ():
            written = spellings.setdefault(fold(f"{written}{part}"), f"{written}{part}") + "/"
        path = RepoPath(written + name)
        if path != each.path:
            each.kind, each.path = Kind.SET_ASIDE, path
            each.reason = f"its folder is called {written[:-1]} too, the same on many disks"
        yield each


def _move(file: Named, taken: dict[RepoPath, Named], reason: str) -> None:
    path = set_aside_name(file.path, file.content, file.editor)
    file.reason = reason
    if file.is_moved or path in taken:
        file.kind = Kind.LEFT_OUT
        return
    file.kind, file.path, file.is_moved = Kind.SET_ASIDE, path, True
    taken[path] = file


def _survey(files: Iterable[Named]) -> Survey:
    found = sorted(
        (Found(each.path, each.content, 0) for each in files), key=lambda f: sort_key(f.path)
    )
    rules = Rules(ignores=_never, covers=_always, author="")
    return take(decide_all((), found, (), rules))


def _never(_: str) -> bool:
    return False


def _always(_: str) -> bool:
    return True
