"""Answers that are several values in a row, and are used as a sequence of them."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import TypeVar, overload

T_co = TypeVar("T_co", covariant=True)


class Several(Sequence[T_co]):
    """A sequence of the values that a subclass calls its own."""

    @abstractmethod
    def _values(self) -> Sequence[T_co]:
        """Return them."""

    @overload
    def __getitem__(self, index: int) -> T_co: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T_co]: ...
    def __getitem__(self, index: int | slice) -> T_co | Sequence[T_co]:
        return self._values()[index]

    def __len__(self) -> int:
        return len(self._values())
