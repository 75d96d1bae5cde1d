"""What cas-sync has to reach: ratios to the best of some peers in the same run."""

from collections.abc import Mapping
from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Target:
    """What one workload has to reach.

    Attributes:
        against: Peers; the one with the shortest median is what we are held against.
        wall: Largest ratio of wall times.
        cpu: Largest ratio of processor times of the client.
        requests: Largest number of them.
        up: Most bytes sent.
        peak: Most bytes of memory.
    """

    against: tuple[str, ...]
    wall: float
    cpu: float = 1.0
    requests: int | None = None
    up: int | None = None
    peak: int = 400 * MIB


_ANY_S3 = ("restic", "s5cmd", "rclone")
_BORG = Target(("borg",), 0.8)

TARGETS: Mapping[tuple[str, str], tuple[Target, ...]] = {
    ("s3", "W1"): (Target(("restic",), 0.5, requests=14),),
    ("s3", "W5"): (Target(("rclone",), 0.6, requests=2),),
    ("s3", "W6"): (Target(("rclone",), 0.9, requests=6, up=100_000),),
    ("s3", "C1"): (Target(("restic",), 0.7),),
    ("s3", "W2"): (Target(("s5cmd",), 1.0, cpu=0.6),),
    ("s3", "W4"): (Target(("restic",), 0.4, up=600_000),),
    ("s3", "C2"): (Target(("rclone",), 1.1),),
    ("s3", "W3"): (Target(_ANY_S3, 0.65),),
    ("s3", "C3"): (Target(_ANY_S3, 0.6),),
    ("s3", "W8"): (Target(("git",), 3.0), Target(("rclone-local",), 0.6)),
    **{("folder", name): (_BORG,) for name in ("W1", "C1", "W2", "C2", "W3", "C3")},
}
"""By kind of store and workload. W8 is local but for one request."""
