"""Runs every check of the project, in the order in which they are cheap.

Needs what `pip install '.[test]'` installs; starts the S3 server that the tests use by
itself. `python tests/run_all.py PYTEST-ARGUMENTS` hands the arguments to pytest.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

CHECKS = (
    ("format", ["ruff", "format", "--check", "."]),
    ("lint", ["ruff", "check", "."]),
    ("types", ["mypy"]),
    ("import rules", ["lint-imports"]),
)


def tool(name: str) -> str:
    """Return the tool of the same environment, whatever PATH says."""
    found = next((p for p in (BIN / name, BIN / f"{name}.exe") if p.exists()), None)
    if found is None:
        sys.exit(f"{name} is not installed: pip install '.[test]'")
    return str(found)


def main() -> None:
    """Run the checks; stop at the first that fails."""
    for label, (program, *arguments) in CHECKS:
        print(f"== {label}", flush=True)
        if subprocess.run([tool(program), *arguments], cwd=ROOT, check=False).returncode:
            sys.exit(f"{label}: failed")
    print("== tests", flush=True)
    # Each worker starts an S3 server of its own; more of them than this do not get faster.
    spread = ["-n", str(min(4, os.cpu_count() or 1)), "--dist", "worksteal"]
    pytest = [sys.executable, "-m", "pytest", *spread, *sys.argv[1:]]
    sys.exit(subprocess.run(pytest, cwd=ROOT, check=False).returncode)


if __name__ == "__main__":
    main()
