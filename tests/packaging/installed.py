"""One copy of the tracked files, what is built from it, and one virtual environment into which it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAFETY = 1500.0
NOT_OURS = {".git", ".venv", "__pycache__", "build", "dist", ".mypy_cache", ".ruff_cache", ".pytest_cache"}


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


def plain_environment() -> dict[str, str]:
    """The environment without what would lead Python to a package that is not installed."""
    ours = ("HYDRA_", "MLFLOW_", "PYTHON", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def execute(command: list[str], folder: Path) -> Done:
    done = subprocess.run(
        command,
        cwd=folder,
        env=plain_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=SAFETY,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def must(command: list[str], folder: Path) -> str:
    """What a command prints; it must succeed."""
    done = execute(command, folder)
    assert done.code == 0, f"{command}\n{done.out[-3000:]}\n{done.err[-3000:]}"
    return done.out


def copy_sources(to: Path) -> None:
    """The tracked files, as a fresh clone has them; of a source archive, all of its files."""
    git = shutil.which("git")
    if git is not None and (ROOT / ".git").exists():
        names = must([git, "ls-files", "-z"], ROOT).split("\0")
        files = [Path(name) for name in names if name and (ROOT / name).is_file()]
    else:
        found = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
        files = [path for path in found if not NOT_OURS & set(path.parts)]
    for file in files:
        (to / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, to / file)


def build(sources: Path, to: Path) -> tuple[Path, Path]:
    """The source archive, and the wheel that is built from that archive."""
    must([sys.executable, "-m", "build", "--outdir", str(to), str(sources)], sources.parent)
    (archive,), (wheel,) = to.glob("*.tar.gz"), to.glob("*.whl")
    return archive, wheel


class Environment:
    """A virtual environment of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    @property
    def program(self) -> str:
        return str(self.folder / "bin" / "runner")

    def create(self) -> None:
        venv.create(self.folder, with_pip=True)

    def pip(self, *args: str) -> None:
        must([self.python, "-m", "pip", "-q", "--disable-pip-version-check", *args], self.folder)

    def hold(self, *what: str) -> None:
        """``pip install --no-deps --force-reinstall WHAT``, unless that was the last thing done."""
        note = self.folder / "holds.txt"
        if not note.exists() or note.read_text(encoding="utf-8") != " ".join(what):
            note.unlink(missing_ok=True)
            self.pip("install", "--no-deps", "--force-reinstall", *what)
            note.write_text(" ".join(what), encoding="utf-8")

    def location(self, folder: Path) -> Path:
        """Where ``import runner`` comes from, seen from ``folder``."""
        return Path(must([self.python, "-c", "import runner; print(runner.__file__)"], folder).strip())
