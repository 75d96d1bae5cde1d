"""Runs one command and says what it cost; a program of its own, so that it stays small.

The kernel counts the memory of whoever starts a process as that process's peak: started
by the benchmarks themselves, every tool would seem to use what they use. Run as
``python -I -S launch.py OUTPUT COMMAND...``; prints one line of JSON.
"""

import json
import os
import shutil
import sys
import time


def main() -> None:
    """Run the command, its output appended to a file, and print the cost."""
    output, *command = sys.argv[1:]
    program = shutil.which(command[0])
    if program is None:
        sys.exit(f"{command[0]} is not installed")
    written = (os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, output, *written),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    began = time.perf_counter()
    child = os.posix_spawn(program, command, os.environ, file_actions=actions)
    _, status, used = os.wait4(child, 0)
    wall = time.perf_counter() - began
    unit = 1 if sys.platform == "darwin" else 1024
    cost = {
        "exit": os.waitstatus_to_exitcode(status),
        "wall": wall,
        "cpu": used.ru_utime + used.ru_stime,
        "peak": used.ru_maxrss * unit,
    }
    sys.stdout.write(json.dumps(cost) + "\n")


if __name__ == "__main__":
    main()
