"""The processes that grade: a few at a time, each watched, and none left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from runner import stopping
from runner.commands.grade_one import Job
from runner.commands.grades import Grade, failed, read_grade
from runner.paths import PACKAGE

PROGRAM = "import sys; sys.path.append(sys.argv[1]); from runner.commands.grade_one import main; main(sys.argv[2])"
"""Run with -P: neither the folder that the user is in nor the submission's hides a package from the program."""

LONGEST_START = 300.0
"""Seconds after which a process that has not even begun with its submission is given up."""

PAUSE = 0.02
PRINTED = 4000
"""Characters kept of the beginning, and of the end, of what a submission prints."""

SIGNALS = {
    "SIGSEGV": "a crash in native code, or a recursion without end",
    "SIGKILL": "from outside, perhaps for its memory",
    "SIGABRT": "a crash in native code",
}


@dataclass(frozen=True)
class Submission:
    """One file to be graded: its number from 1, its name below the folder, and its absolute path."""

    number: int
    name: str
    file: Path


Grades = Generator[tuple[Submission, Grade], None, None]


@dataclass(frozen=True)
class Rules:
    """What holds for all submissions: seconds, GiB, the function's name, and the run's configuration."""

    timeout: float
    memory: float
    function: str
    config: dict[str, Any]


def graded(submissions: Sequence[Submission], rules: Rules, workers: int) -> Grades:
    """Every submission with its grade, as they finish. Whoever stops listening stops the processes."""
    waiting, running = list(submissions), list[_Child]()
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                with stopping.uninterrupted():
                    running.append(_Child(waiting.pop(0), rules))
            for child in [child for child in running if child.has_ended()]:
                found = child.grade()
                running.remove(child)
                yield child.submission, found
            time.sleep(PAUSE)
    finally:
        for child in running:
            child.end()


class _Child:
    """One process, with a session, a temporary folder, no terminal, no input and no display."""

    def __init__(self, submission: Submission, rules: Rules) -> None:
        self.submission, self._rules = submission, rules
        self._folder = TemporaryDirectory(prefix="grade-", ignore_cleanup_errors=True)
        place = Path(self._folder.name)
        work = place / "work"
        work.mkdir()
        self._ready, self._result, self._printed = place / "ready", place / "grade.json", place / "printed"
        job = Job(
            file=str(submission.file),
            function=rules.function,
            config=rules.config,
            import_path=[str(Path(entry).absolute()) for entry in sys.path],
            memory=int(rules.memory * 2**30),
            work=str(work),
            ready=str(self._ready),
            result=str(self._result),
        )
        (place / "job.json").write_text(job.dumped(), encoding="utf-8")
        with self._printed.open("wb") as printed:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-u", "-c", PROGRAM, str(PACKAGE.parent), str(place / "job.json")],
                env=_environment(rules.config["threads"]),
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
                start_new_session=True,
            )
        self._started, self._late = time.monotonic(), False
        self._begun: float | None = None

    def has_ended(self) -> bool:
        """Whether it has come to its end, or to the end of its time."""
        if self._process.poll() is not None:
            return True
        now = time.monotonic()
        if self._begun is None and self._ready.exists():
            self._begun = now
        if self._begun is None:
            self._late = now - self._started > LONGEST_START
        else:
            self._late = now - self._begun > self._rules.timeout
        return self._late

    def grade(self) -> Grade:
        """What it left, or what became of it."""
        seconds = time.monotonic() - self._started
        printed = _read_printed(self._printed)
        self._kill()
        found = self._became() if self._late else read_grade(self._result) or self._became()
        self._folder.cleanup()
        return replace(found, printed=printed, seconds=seconds)

    def end(self) -> None:
        """Stops it, and whatever it has started in its session."""
        self._kill()
        self._folder.cleanup()

    def _kill(self) -> None:
        with suppress(ProcessLookupError, PermissionError):  # nothing is left of the group
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _became(self) -> Grade:
        code = self._process.returncode
        if not self._ready.exists():
            how = f"did not start in {LONGEST_START:g} seconds" if self._late else f"ended with {code} as it started"
            return failed("not_started", f"its process {how}, before the submission was read")
        if self._late:
            return failed("time_limit", f"still running after {self._rules.timeout:g} seconds")
        if code >= 0:
            return failed("exit", f"ended its process with exit code {code} before it was judged")
        name = next((known.name for known in signal.Signals if known == -code), str(-code))
        hint = f" ({SIGNALS[name]})" if name in SIGNALS else ""
        return failed("signal", f"its process was ended by the signal {name}{hint}")


def _environment(threads: int) -> dict[str, str]:
    """The user's own, without a display to open a window on, and with no more threads than the run has."""
    plain = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    counts = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    return plain | counts | {"MPLBACKEND": "Agg", "PYTHONIOENCODING": "utf-8:backslashreplace"}


def _read_printed(path: Path) -> str:
    text = path.read_bytes().decode("utf-8", "replace")
    left_out = len(text) - 2 * PRINTED
    if left_out <= 0:
        return text
    return f"{text[:PRINTED]}\n... {left_out} characters are left out here ...\n{text[-PRINTED:]}"
