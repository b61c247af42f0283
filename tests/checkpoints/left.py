"""What a run with checkpoints has left behind, as far as it is the same whether it was broken off or not."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path

BITS = ("*.parquet", "*.safetensors", "verdict.json", "gradients/*.txt", "plots/*.png", "minimal/**/*")


@dataclass(frozen=True)
class Left:
    """The files by their SHA-256; and of the store each metric's key, step and value, as often as it has it."""

    files: dict[str, str]
    metrics: list[tuple[str, int, float]]


def left(place: Path, folder: str) -> Left:
    """What the run in ``folder`` below ``place`` has left; checks that it is whole and that no more is there."""
    root = place / folder
    assert not list(root.rglob("*.part*"))
    assert not list(root.glob("checkpoint*"))
    files = {str(path.relative_to(root)): digest(path) for kind in BITS for path in root.glob(kind) if path.is_file()}
    with sqlite3.connect(place / "outputs" / "mlflow.db") as store:
        query = "SELECT run_uuid, status, artifact_uri FROM runs JOIN tags USING (run_uuid) WHERE key = ? AND value = ?"
        every = store.execute(query, ("run_folder", str(root)))  # a run that was begun anew has left one that is not
        ((run, _, uri),) = [r for r in every if r[1] == "FINISHED"]
        metrics = list(store.execute("SELECT key, step, value FROM metrics WHERE run_uuid = ?", (run,)))
    store.close()
    artifacts = Path(uri.removeprefix("file://"))
    names = sorted(str(path.relative_to(artifacts)) for path in artifacts.rglob("*") if path.is_file())
    assert names == sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file() and p.name != "status.json")
    assert all(digest(artifacts / name) == digest(root / name) for name in names)
    return Left(files, sorted(metrics))


def tag(place: Path, folder: str, key: str) -> list[str]:
    """A tag's value, of each run in ``folder`` that has it."""
    query = (
        "SELECT value FROM tags WHERE key = ? AND run_uuid IN (SELECT run_uuid FROM tags WHERE key = ? AND value = ?)"
    )
    with sqlite3.connect(place / "outputs" / "mlflow.db") as store:
        found = [value for (value,) in store.execute(query, (key, "run_folder", str(place / folder)))]
    store.close()
    return found


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
