"""Compare cas-sync with other tools, or see how it grows; docs/benchmarks.md tells how."""

import argparse
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.compare import Comparison, compare
from benchmarks.growth_page import grow
from benchmarks.pages import write_between
from benchmarks.places import scratch_folder

SMOKE_SCALE = 0.01
SMOKE_SIZES = (300, 3000)


def main(args: Sequence[str] | None = None) -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="compare with other tools")
    run.set_defaults(what=_run)
    run.add_argument("--workloads", type=_names, default=(), help="such as W1,W5")
    run.add_argument("--tools", type=_names, default=(), help="such as cas-sync,restic")
    run.add_argument("--stores", type=_names, default=("s3", "folder"), help="s3,folder")
    run.add_argument("--scale", type=float, help="size of the data (default: 1)")
    run.add_argument("--rounds", type=int, default=3)
    run.add_argument("--count", action="store_true", help="count requests, in another run")
    run.add_argument("--slow-link", action="store_true", help="only S3, as if from afar")
    run.add_argument("--part", help="part of the page that is written (default: what it is)")
    run.add_argument("--memory", type=float, help="GiB to use (default: half of what is free)")
    grow = commands.add_parser("growth", help="see how cas-sync grows")
    grow.set_defaults(what=_grow)
    grow.add_argument("--sizes", type=_numbers, help="of files (default: 1000,30000)")
    for each in (run, grow):
        each.add_argument("--smoke", action="store_true", help="with very little data")
        each.add_argument("--scratch", type=Path, help="folder to work in (default: in memory)")
        each.add_argument("--write", type=Path, help="page that the report is written into")
    options = parser.parse_args(args)
    # An ended run, too, ends its servers and removes its folders.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        text, marker = options.what(options)
    except ValueError as error:
        sys.exit(str(error))
    sys.stdout.write(text)
    if options.write:
        write_between(options.write, marker, text)


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part.replace("_", "")) for part in _names(text))


def _run(options: argparse.Namespace) -> tuple[str, str]:
    folder = options.scratch or scratch_folder()
    free = shutil.disk_usage(folder).free
    comparison = Comparison(
        scratch=folder,
        memory=options.memory * 2**30 if options.memory else free / 2,
        scale=options.scale or (SMOKE_SCALE if options.smoke else 1.0),
        rounds=1 if options.smoke else options.rounds,
        workloads=options.workloads,
        tools=options.tools,
        stores=options.stores,
        count=options.count,
        slow=options.slow_link,
    )
    part = options.part or ("slow link" if options.slow_link else "comparison")
    return compare(comparison), part


def _grow(options: argparse.Namespace) -> tuple[str, str]:
    folder = options.scratch or scratch_folder()
    sizes = SMOKE_SIZES if options.smoke else options.sizes
    picture = options.write.with_suffix(".svg") if options.write else None
    return grow(folder, sizes, picture, is_smoke=options.smoke), "growth"


if __name__ == "__main__":
    main()
