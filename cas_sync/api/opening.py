"""One name for two things: `Project.open(folder)`, and `project.open(path)` for a file."""

from typing import TYPE_CHECKING, BinaryIO, Protocol, Unpack, overload

from cas_sync.api.arguments import Overrides, PathLike

if TYPE_CHECKING:
    from cas_sync.api.project import Project


class OpensProject(Protocol):
    """What `Project.open` is."""

    def __call__(self, path: PathLike = ".", **overrides: Unpack[Overrides]) -> "Project":
        """Open a project."""


class OpensFile(Protocol):
    """What `project.open` is."""

    def __call__(self, path: PathLike, rev: str = "@") -> BinaryIO:
        """Open a file of a project."""


class Open:
    """Opens a project where it is asked of the class, else a file of the project."""

    @overload
    def __get__(self, instance: None, owner: type["Project"]) -> OpensProject: ...
    @overload
    def __get__(self, instance: "Project", owner: type["Project"]) -> OpensFile: ...
    def __get__(
        self, instance: "Project | None", owner: type["Project"]
    ) -> OpensProject | OpensFile:
        """Return what opens."""
        return owner.open_project if instance is None else instance.open_file
