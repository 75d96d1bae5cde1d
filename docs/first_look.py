"""README's first command: the main job on a folder store, with real files, in seconds.

Two people share the files of Python's own `json` package, change things on both sides,
delete one, disagree on one, and end with the same folder. Everything happens in a
temporary folder, through the same command line that users type.
"""

import filecmp
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def run(who: str, project: Path, *arguments: str) -> None:
    """Run one cas-sync command as ``who`` and show it."""
    print(f"\n{who} $ cas-sync {' '.join(arguments)}", flush=True)
    subprocess.run(
        [sys.executable, "-m", "cas_sync", *arguments],
        cwd=project,
        env={**os.environ, "CAS_SYNC_USER": who, "CAS_SYNC_CACHE_DIR": str(project / "cache"),
             "CAS_SYNC_STATE_DIR": str(project / "state")},
        stdin=subprocess.DEVNULL,
        check=False,
    )  # fmt: skip


def files(data: Path) -> list[str]:
    """Return the paths of all files but the bookkeeping."""
    found = (p.relative_to(data).as_posix() for p in data.rglob("*") if p.is_file())
    return sorted(path for path in found if not path.startswith(".S3/"))


def main() -> None:
    """Tell the story, then prove how it ended."""
    with tempfile.TemporaryDirectory() as scratch:
        ana, ben = Path(scratch, "ana"), Path(scratch, "ben")
        ana.mkdir()
        shutil.copytree(Path(json.__file__).parent, ana / "Data" / "json")
        run("Ana", ana, "sync", "--yes", "--store", "../store")
        ben.mkdir()
        run("Ben", ben, "sync", "--yes", "--store", "../store")
        (ana / "Data" / "notes.md").write_text("targets for November\n")
        (ana / "Data" / "json" / "tool.py").unlink()
        (ben / "Data" / "json" / "decoder.py").write_text("# rewritten by Ben\n")
        for who, project in (("Ana", ana), ("Ben", ben), ("Ana", ana)):
            run(who, project, "sync", "--yes")
        (ana / "Data" / "notes.md").write_text("targets, as Ana sees them\n")
        (ben / "Data" / "notes.md").write_text("targets, as Ben sees them\n")
        run("Ana", ana, "sync", "--yes")
        run("Ben", ben, "sync", "--yes")
        run("Ben", ben, "sync", "--yes", "--on-conflict", "keep-both")
        run("Ana", ana, "sync", "--yes")
        run("Ana", ana, "log", "--stat", "-n", "4")
        same = files(ana / "Data") == files(ben / "Data")
        _, differ, odd = filecmp.cmpfiles(
            ana / "Data", ben / "Data", files(ana / "Data"), shallow=False
        )
        print(f"\nAna and Ben have the same {len(files(ana / 'Data'))} files: "
              f"{same and not differ and not odd}")  # fmt: skip
        sys.exit(0 if same and not differ and not odd else 1)


if __name__ == "__main__":
    main()
