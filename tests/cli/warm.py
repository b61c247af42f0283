"""Runs of the program by a process that has imported the libraries, one for each worker of the tests.

What a test says of a run's environment or of the interpreter's options, of how the interpreter itself ends, and what it
does to a run that goes on, is for a process that begins from nothing.
"""

from __future__ import annotations

import atexit
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from .asking import ask

SAFETY = 300.0
"""Seconds after which a run that hangs is given up."""
ASKING = Path(__file__).with_name("asking.py")


class Warm:
    """The process, in a group of its own; ``env`` is the environment that the libraries find."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._folder = TemporaryDirectory(prefix="warm-")
        self.socket = str(Path(self._folder.name, "socket"))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.cli.forking", self.socket],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"
        atexit.register(self.stop)

    def stop(self) -> None:
        """Ends it and every run that goes on."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._folder.cleanup()

    def run(self, folder: Path, words: Sequence[str], env: Mapping[str, str]) -> tuple[int, str, str]:
        """The exit code of the program with these words, and what it printed."""
        with TemporaryDirectory(prefix="printed-") as place:
            out, err = (Path(place, name) for name in ("out", "err"))
            with Path(os.devnull).open() as nothing, out.open("w") as to_out, err.open("w") as to_err:
                files = [file.fileno() for file in (nothing, to_out, to_err)]
                code = ask(self.socket, str(folder.absolute()), words, env, files, SAFETY)
            return code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")

    def write_python(self, file: Path) -> None:
        """A ``python`` to be put on a shell's path: the one that runs the tests, but for the program itself."""
        words = shlex.join([sys.executable, "-IS", str(ASKING), sys.executable, self.socket])
        file.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
        file.chmod(0o755)


@cache
def warm(env: tuple[tuple[str, str], ...]) -> Warm:
    """The one of this worker in a plain environment."""
    return Warm(dict(env))
