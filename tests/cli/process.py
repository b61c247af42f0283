"""The program as a person runs it: a process of its own, in a folder of its own."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .warm import SAFETY, Warm, warm

ROOT = Path(__file__).resolve().parents[2]
LATER = {"PATH", "PYTHONPATH", "PGPASSWORD", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"}
"""What of an environment no library has read when it is imported."""


@dataclass(frozen=True)
class Finished:
    """A process that has ended: its folder, exit code and what it printed."""

    folder: Path
    code: int
    out: str
    err: str

    @property
    def run_folder(self) -> Path:
        """The folder of the only run below ``outputs/runs``."""
        (found,) = (self.folder / "outputs" / "runs").glob("*/*")
        return found


def environment(*paths: Path, **extra: str) -> dict[str, str]:
    """The environment of a plain shell: nothing in it that would change what the program prints or where it writes."""
    ours = ("HYDRA_", "MLFLOW_", "PYTHON", "PYTEST_")
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(ours) and name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "CLICOLOR")
    }
    return {**plain, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, *paths))), **extra}


def command(*args: str, options: tuple[str, ...] = ()) -> list[str]:
    """``python -m runner`` with arguments; ``options`` are the interpreter's."""
    return [sys.executable, *options, "-m", "runner", *args]


def finish(
    folder: Path, words: Sequence[str], env: dict[str, str] | None = None, seconds: float = SAFETY, **more: Any
) -> Finished:
    """Runs any command line to its end in ``folder``, given up after ``seconds``; ``more`` is for subprocess.run."""
    done = subprocess.run(
        words,
        cwd=folder,
        env=env or environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=seconds,
        check=False,
        **more,
    )
    return Finished(folder, done.returncode, done.stdout, done.stderr)


def run(folder: Path, *args: str, env: dict[str, str] | None = None, options: tuple[str, ...] = ()) -> Finished:
    """Runs the program to its end in ``folder``."""
    plain = environment()
    env = plain if env is None else env
    if options or any(env.get(name) != plain.get(name) for name in {*env, *plain} - LATER):
        return finish(folder, command(*args, options=options), env)
    return Finished(folder, *warm_process().run(folder, args, env))


def warm_process() -> Warm:
    """The one of this worker."""
    return warm(tuple(sorted(environment().items())))


@cache
def shell_environment() -> dict[str, str]:
    """That of a shell in which ``python`` is the one that runs the tests."""
    folder = TemporaryDirectory(prefix="bin-")
    atexit.register(folder.cleanup)
    warm_process().write_python(Path(folder.name, "python"))
    return environment(PATH=f"{folder.name}{os.pathsep}{os.environ['PATH']}")


def python(folder: Path, code: str, *args: str) -> str:
    """What Python code prints that runs in a process of its own, and well."""
    quiet = environment(MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false")  # drawn where tqdm is installed
    done = finish(folder, [sys.executable, "-c", code, *args], quiet)
    assert (done.code, done.err) == (0, "")
    return done.out


def start(
    folder: Path, *args: str, env: dict[str, str] | None = None, program: Sequence[str] | None = None
) -> subprocess.Popen[str]:
    """Starts the program in ``folder`` and returns at once; ``program`` stands in for ``python -m runner``."""
    return subprocess.Popen(
        command(*args) if program is None else [*program, *args],
        cwd=folder,
        env=env or environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def end(process: subprocess.Popen[str], folder: Path, safety: float = SAFETY) -> Finished:
    """Waits for a started process; one that hangs is killed."""
    try:
        out, err = process.communicate(timeout=safety)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
    return Finished(folder, process.returncode, out, err)


def tree(folder: Path) -> dict[str, bytes | None]:
    """Every file below ``folder`` with its content, and every folder with None."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
        if "__pycache__" not in path.parts
    }
