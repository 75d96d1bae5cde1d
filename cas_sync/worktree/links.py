"""Which symbolic links a shared folder may make: those that cannot lead out of it."""

from cas_sync.model.paths import PathRefusedError, parse_repo_path


def link_stays_inside(path: str, target: str) -> bool:
    """Return whether a link at ``path`` to ``target`` cannot lead out of the folder.

    ``..`` is allowed at the beginning only, and no further up than the folder goes:
    after a name it might step out of what is itself a link. A link whose every hop
    starts at a real folder and only goes down from there stays inside, however many
    links it passes. ``.S3`` is outside.
    """
    if not target or "\0" in target or "\\" in target or ":" in target:
        return False
    parts = target.removesuffix("/").split("/")
    n_up = 0
    while n_up < len(parts) and parts[n_up] == "..":
        n_up += 1
    below = path.split("/")[:-1]
    if n_up > len(below):
        return False
    rest = [part for part in parts[n_up:] if part != "."]
    if not rest:
        return True
    try:
        parse_repo_path("/".join([*below[: len(below) - n_up], *rest]))
    except PathRefusedError:
        return False
    return True
