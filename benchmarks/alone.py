"""A run, or a whole command, in a process of its own: what it takes of the processor and of memory.

`python -m benchmarks.alone OVERRIDE ...` is that process for a run: it records in the current folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from runner.paths import CONF

RUN = (sys.executable, "-m", "benchmarks.alone")
SWEEP = (sys.executable, "-c", "import benchmarks.alone as a; a.sweep()")


def measured(words: Sequence[str], folder: Path) -> tuple[float, float]:
    """Processor seconds, and the most bytes that were resident at once, of a process in ``folder``.

    Raises:
        subprocess.CalledProcessError: It did not come to its end.
    """
    paths = filter(None, [str(CONF.parent), os.environ.get("PYTHONPATH")])
    env = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(words, cwd=folder, env=env, stdout=subprocess.PIPE, text=True, check=True)
    seconds, resident = json.loads(done.stdout.splitlines()[-1])
    return seconds, resident


def _tell() -> None:
    """The process's own figures, as the last line of what it prints; the peak is that since it began (VmHWM)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    peak = next(line for line in lines if line.startswith("VmHWM")).split()[1]
    print(json.dumps([time.process_time(), 1024 * int(peak)]))


def run(overrides: Sequence[str]) -> None:
    """One run, recorded as the command line records it."""
    from runner.assemble import assemble
    from runner.catalog import Catalog
    from runner.compose import compose_config
    from runner.recording import record_run
    from runner.records.identity import Identity

    config = compose_config(list(overrides))
    record_run(assemble(config, Catalog()), Identity(Path("run"), list(overrides), None, config, ""))
    _tell()


def sweep() -> None:
    """The command line itself, `-m` and all, in this process, which launches its jobs one after the other."""
    from runner.__main__ import run as run_command_line

    code = run_command_line(sys.argv[1:])
    if code:
        sys.exit(code)
    _tell()


if __name__ == "__main__":
    run(sys.argv[1:])
