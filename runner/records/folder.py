"""The files of a run's folder: those that it begins with, and all that it may leave there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.assemble import Setup
from runner.records.files import remove_parts, write_json, write_yaml
from runner.records.identity import Identity
from runner.records.minimal import minimal_files

TABLES = (
    *("deviations.parquet", "updates.parquet", "drift.parquet"),
    *("gradients.safetensors", "roundings.safetensors", "trajectories.safetensors", "parameters.safetensors"),
)
FILES = ("config.yaml", "overrides.yaml", "environment.json", "verdict.json", "report.html", *TABLES)


def begin_folder(identity: Identity, files: Sequence[Path], found: Mapping[str, Any]) -> None:
    """Makes the run's folder with its first files, free of the ``files`` that an earlier run has left there."""
    folder = identity.folder
    folder.mkdir(parents=True, exist_ok=True)
    remove_parts(files)
    for file in files:
        file.unlink(missing_ok=True)
    write_yaml(folder / "config.yaml", dict(identity.config))
    write_yaml(folder / "overrides.yaml", identity.overrides)
    write_json(folder / "environment.json", found)


def files_of(folder: Path, setup: Setup) -> list[Path]:
    """What a run may leave in its folder; a person's own files may lie there too."""
    views = [f"gradients/{backend}.txt" for backend in setup.backends]
    plots = [*folder.glob("plots/*.png"), *folder.glob("plots/*.svg")]
    named = [folder / name for name in (*FILES, *views)]
    return [*named, *plots, *minimal_files(folder), *own_files(folder, setup)]


def own_files(folder: Path, setup: Setup) -> dict[Path, Path]:
    """Copies of the files that the user's own backends are made of, and the files themselves."""
    return {folder / "files" / n / f.name: f for n, choice in setup.backends.items() for f in choice.files()}
