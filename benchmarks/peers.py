"""The other tools, each as somebody would use it who knows it well."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import Command
from benchmarks.places import Place
from benchmarks.tools import CasSync, Plain, Tool, run_untimed


class Restic(Plain):
    """Its figures are with its encryption, which cannot be turned off."""

    name = "restic"
    program = "restic"
    stores = ("s3", "folder")

    def prepare(self, place: Place) -> None:
        """Begin the repository."""
        run_untimed(self._command(place, place.project, "init"))

    def push(self, place: Place) -> Sequence[Command]:
        """Return a backup; restic finds the last one of this folder by itself."""
        return [self._command(place, place.source, "backup", "--quiet", ".")]

    def clone(self, place: Place, target: Path) -> Sequence[Command]:
        """Return a restore of the latest backup with an empty cache."""
        args = ("restore", "latest", "--quiet", "--target", str(target))
        return [self._command(place, place.root, *args, home="other")]

    def _command(self, place: Place, cwd: Path, *args: str, home: str = "home") -> Command:
        s3 = f"s3:{place.store.endpoint}/{place.bucket_path}"
        repository = s3 if place.store.kind != "folder" else str(place.folder)
        env = place.env(home, RESTIC_PASSWORD="benchmark", RESTIC_REPOSITORY=repository)
        return Command((self.program, *args), cwd, env)


S3_TICK_S = 1.1
"""S3 tells times in whole seconds: who compares them sees only what changed that much later."""


class Rclone(Plain):
    """Tuned: one list instead of one a folder, no request but the transfer for each file."""

    name = "rclone"
    program = "rclone"
    settling_s = S3_TICK_S
    tuning: tuple[str, ...] = (
        "--fast-list",
        "--checkers=32",
        "--transfers=32",
        "--update",
        "--use-server-modtime",
        "--s3-no-check-bucket",
        "--s3-no-head",
        "--s3-chunk-size=16M",
        "--s3-upload-concurrency=8",
    )

    def push(self, place: Place) -> Sequence[Command]:
        """Return a sync to the bucket."""
        return [self._command(place, "sync", str(place.source), f"s3:{place.bucket_path}")]

    def clone(self, place: Place, target: Path) -> Sequence[Command]:
        """Return a sync from the bucket."""
        return [self._command(place, "sync", f"s3:{place.bucket_path}", str(target))]

    def _command(self, place: Place, *args: str) -> Command:
        env = place.env(
            RCLONE_CONFIG_S3_TYPE="s3",
            RCLONE_CONFIG_S3_PROVIDER="SeaweedFS",
            RCLONE_CONFIG_S3_ENV_AUTH="true",
            RCLONE_CONFIG_S3_ENDPOINT=place.store.endpoint,
            RCLONE_CONFIG_S3_REGION=place.store.env.get("AWS_REGION", ""),
        )
        config = ("--config", str(place.root / "rclone.conf"))
        return Command((self.program, *args, *config, *self.tuning), place.root, env)


class RcloneDefault(Rclone):
    """As it comes."""

    name = "rclone-default"
    tuning = ()


class RcloneLocal(Rclone):
    """Only looks for what differs between two equal folders on the disk."""

    name = "rclone-local"
    stores = ("scan",)
    tuning = ("--checkers=32", "--dry-run")

    def prepare(self, place: Place) -> None:
        """Make the equal folder."""
        shutil.copytree(place.source, place.root / "copy")

    def push(self, place: Place) -> Sequence[Command]:
        """Return a sync that would do nothing."""
        return [self._command(place, "sync", str(place.source), str(place.root / "copy"))]


class Git(Plain):
    """Only looks for what differs from the last commit."""

    name = "git"
    program = "git"
    stores = ("scan",)

    def prepare(self, place: Place) -> None:
        """Commit everything; into one pack, for loose objects would take a page each."""
        add = ("-c", "core.bigFileThreshold=1", "add", "--all")
        commit = ("-c", "user.name=b", "-c", "user.email=b", "commit", "--quiet", "-m", "all")
        every = [self._command(place, *args) for args in (("init", "-q"), add, commit)]
        run_untimed(*every, *self.push(place))

    def push(self, place: Place) -> Sequence[Command]:
        """Return a status."""
        return [self._command(place, "status", "--short")]

    def clone(self, place: Place, target: Path) -> Sequence[Command]:
        """Refuse; it only looks."""
        raise NotImplementedError

    def _command(self, place: Place, *args: str) -> Command:
        env = place.env(GIT_CONFIG_NOSYSTEM="1")
        return Command((self.program, *args), place.source, env)


class S5cmd(Plain):
    """A pool of 256 workers, as it comes."""

    name = "s5cmd"
    program = "s5cmd"
    settling_s = S3_TICK_S

    def push(self, place: Place) -> Sequence[Command]:
        """Return a sync to the bucket."""
        return [self._command(place, f"{place.source}/", f"s3://{place.bucket_path}/")]

    def clone(self, place: Place, target: Path) -> Sequence[Command]:
        """Return a sync from the bucket."""
        return [self._command(place, f"s3://{place.bucket_path}/*", f"{target}/")]

    def _command(self, place: Place, *args: str) -> Command:
        quiet = ("--log", "error", "--endpoint-url", place.store.endpoint)
        return Command((self.program, *quiet, "sync", *args), place.root, place.env())


class Aws(Plain):
    """AWS's own command line."""

    name = "aws"
    program = "aws"
    settling_s = S3_TICK_S

    def push(self, place: Place) -> Sequence[Command]:
        """Return a sync to the bucket."""
        return [self._command(place, str(place.source), f"s3://{place.bucket_path}")]

    def clone(self, place: Place, target: Path) -> Sequence[Command]:
        """Return a sync from the bucket."""
        return [self._command(place, f"s3://{place.bucket_path}", str(target))]

    def _command(self, place: Place, *args: str) -> Command:
        told = ("s3", "sync", *args, "--only-show-errors")
        return Command((self.program, *told), place.root, place.env())


class Dvc(Plain):
    """Without git, which it does not need for its remote."""

    name = "dvc"
    program = "dvc"
    settling_s = S3_TICK_S

    def prepare(self, place: Place) -> None:
        """Begin a project and name its remote."""
        endpoint = ("remote", "modify", "origin", "endpointurl", place.store.endpoint)
        remote = ("remote", "add", "-d", "origin", f"s3://{place.bucket_path}")
        quiet = ("config", "core.analytics", "false")
        for args in (("init", "--no-scm"), quiet, remote, endpoint):
            run_untimed(self._command(place, place.project, "home", *args))

    def push(self, place: Place) -> Sequence[Command]:
        """Return an add and a push."""
        steps = (("add", "Data"), ("push",))
        return [self._command(place, place.project, "home", *args) for args in steps]

    def clone(self, place: Place, target: Path) -> Sequence[Command]:
        """Return a pull in a project that knows only what git would bring."""
        (target / ".dvc").mkdir(parents=True)
        shutil.copy(place.project / ".dvc" / "config", target / ".dvc" / "config")
        shutil.copy(place.project / "Data.dvc", target / "Data.dvc")
        return [self._command(place, target, "other", "pull", "--quiet")]

    def cloned(self, place: Place, target: Path) -> Path:  # noqa: ARG002 - others need it
        """Return the data folder of the clone."""
        return target / "Data"

    def _command(self, place: Place, cwd: Path, home: str, *args: str) -> Command:
        env = place.env(home, DVC_SITE_CACHE_DIR=str(place.root / home / "site"))
        return Command((self.program, *args), cwd, {**env, "DVC_NO_ANALYTICS": "1"})


class Borg(Plain):
    """Without encryption; on a disk only, for it speaks to no bucket."""

    name = "borg"
    program = "borg"
    stores = ("folder",)

    def prepare(self, place: Place) -> None:
        """Begin the repository."""
        place.folder.parent.mkdir(parents=True, exist_ok=True)
        run_untimed(self._command(place, place.root, "home", "init", "-e", "none"))

    def push(self, place: Place) -> Sequence[Command]:
        """Return a new archive."""
        named = "::{now:%Y%m%dT%H%M%S%f}"
        return [self._command(place, place.source, "home", "create", named, ".")]

    def clone(self, place: Place, target: Path) -> Sequence[Command]:
        """Return an extraction of the last archive with an empty cache."""
        target.mkdir(parents=True)
        lister = self._command(place, place.root, "home", "list", "--json", "--last", "1")
        last = json.loads(run_untimed(lister))["archives"][0]["name"]
        return [self._command(place, target, "other", "extract", f"::{last}")]

    def _command(self, place: Place, cwd: Path, home: str, *args: str) -> Command:
        env = place.env(
            home,
            BORG_REPO=str(place.folder),
            BORG_BASE_DIR=str(place.root / home),
            BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK="yes",
            BORG_RELOCATED_REPO_ACCESS_IS_OK="yes",
        )
        return Command((self.program, *args), cwd, env)


TOOLS: tuple[Tool, ...] = (
    CasSync(),
    Restic(),
    Rclone(),
    RcloneDefault(),
    S5cmd(),
    Aws(),
    Dvc(),
    Borg(),
    Git(),
    RcloneLocal(),
)


def is_installed(tool: Tool) -> bool:
    """Tell whether a tool can be run here."""
    return shutil.which(tool.program) is not None
