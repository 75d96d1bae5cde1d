"""What becomes of files that others left below the prefix, without commits. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Foreign:
    """What lies below a prefix where no repository was begun.

    Attributes:
        n_files: Objects that would become files.
        size: Their bytes.
        is_seed: Whether s3synchrony kept it: there is a manifest of its own.
    """

    n_files: int
    size: int
    is_seed: bool
