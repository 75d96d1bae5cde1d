"""When a plan must not be carried out without a human's word. docs/design.md, section 6."""

from typing import NamedTuple

from cas_sync.plan.step import Act
from cas_sync.plan.survey import Survey


class GuardLimits(NamedTuple):
    """When a change is too large to be meant.

    Attributes:
        ratio: Share of the files.
        least: Number of files below which no share is too large.
    """

    ratio: float = 0.5
    least: int = 10

    def too_many(self, n_files: int) -> int:
        """Return from which number on a part of ``n_files`` is too large to be meant."""
        return max(self.least, int(n_files * self.ratio) + 1)


class Suspicion(NamedTuple):
    """Why a plan must not be carried out.

    Attributes:
        code: Stable identifier.
        message: What would happen.
        cause: What may be behind it.
        fix: What to type.
    """

    code: str
    message: str
    cause: str
    fix: str


class Rewrites(NamedTuple):
    """What the scan saw of files whose content is new.

    Attributes:
        samples: The first bytes of a fair sample of them.
    """

    samples: tuple[bytes, ...] = ()

    @property
    def look_encrypted(self) -> bool:
        """Whether nearly all of the new contents look like random bytes."""
        noisy = sum(map(looks_encrypted, self.samples))
        return noisy > 0.9 * len(self.samples)

    @property
    def look_blank(self) -> bool:
        """Whether nearly all of the new contents begin with nothing but NUL."""
        blank = sum(not each.strip(b"\0") for each in self.samples)
        return blank > 0.9 * len(self.samples)


_ALLOW = "really do it for everyone:  cas-sync sync --allow-mass-delete"


def suspect(survey: Survey, rewrites: Rewrites, limits: GuardLimits) -> Suspicion | None:
    """Return why the plan must not be carried out, or `None`.

    Args:
        survey: What the plan comes to.
        rewrites: What the new contents look like.
        limits: When a change is too large to be meant.
    """
    if survey.n_ours == 0 and survey.acts[Act.DELETE_THERE]:
        return Suspicion(
            "E205",
            f"the data folder is empty, but the last sync here had {survey.n_base:,} files",
            "the drive may not be mounted, or the folder was moved or emptied",
            f"bring them back:  cas-sync restore .\n{_ALLOW}",
        )
    gone = survey.moves_there.n_lost
    too_many = limits.too_many(survey.n_base)
    if gone >= too_many:
        return Suspicion(
            "E206",
            f"this would delete {gone:,} of {survey.n_base:,} files for everyone",
            "more than half of the files are gone from the data folder",
            "bring them back:  cas-sync restore .   (asks before it replaces what you edited)\n"
            f"{_ALLOW}",
        )
    lost_here = survey.moves_here.n_lost
    if lost_here >= too_many:
        return Suspicion(
            "E206",
            f"this would delete {lost_here:,} of {survey.n_base:,} files here",
            "a teammate deleted more than half of the shared files",
            "look first:  cas-sync log -n 3 --stat\n"
            "take that back for everyone:  cas-sync undo @\n"
            "accept it here (what goes is kept):  cas-sync sync --allow-mass-delete",
        )
    # Some disks bring back files without their bytes after a crash, and programs that fail
    # cut off what they were about to write.
    blank = survey.n_modified if rewrites.look_blank else survey.n_emptied
    if blank + gone >= too_many:
        return Suspicion(
            "E219",
            f"{blank:,} of {survey.n_base:,} files would be emptied for everyone"
            + (f", and {gone:,} deleted" if gone else ""),
            "a crash, a full disk or a program that failed may have emptied them",
            "bring them back:  cas-sync restore .   (asks before it replaces what you edited)\n"
            f"{_ALLOW}",
        )
    # Ransomware rewrites files in place, or writes new ones and deletes the old.
    rewritten = survey.n_modified + min(survey.n_added, gone)
    if rewritten >= too_many and rewrites.look_encrypted:
        return Suspicion(
            "E211",
            f"{rewritten:,} of {survey.n_base:,} files are rewritten and look encrypted",
            "this is what ransomware leaves behind",
            f"check the files, and keep other machines from syncing\n{_ALLOW}",
        )
    return None


_KNOWN_STARTS = (
    b"PK", b"PAR1", b"\x89PNG", b"\xff\xd8", b"GIF8", b"\x1f\x8b", b"BZh", b"\xfd7zXZ",
    b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf", b"Rar!", b"%PDF", b"\x89HDF", b"ARROW1", b"ORC",
    b"OggS", b"ID3", b"RIFF", b"\x00\x00\x00", b"II*\x00", b"MM\x00*", b"fLaC", b"wOF",
)  # fmt: skip


def looks_encrypted(sample: bytes) -> bool:
    """Say whether a file that starts with ``sample`` looks like random bytes.

    Compressed data does too, so formats that begin with a signature are let off. The
    test is Pearson's chi-squared on the byte counts: random bytes stay near 255.
    """
    if len(sample) < 1024 or sample.startswith(_KNOWN_STARTS):
        return False
    counts = [0] * 256
    for byte in sample:
        counts[byte] += 1
    expected = len(sample) / 256
    return sum((n - expected) ** 2 / expected for n in counts) < 400
