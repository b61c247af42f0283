"""What the launching process knows of a run or a sweep: the folders that it makes, and how its jobs ended."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, ClassVar

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from runner.errors import AGREE, BAD_INPUT, DISAGREE, NOT_FINISHED
from runner.job import STATUS, last, read_status

MULTIRUN_FILE = "multirun.yaml"


class Footprint(Callback):
    """Notes, before Hydra makes the folders, which of them are new: a rejected run leaves none behind."""

    new_folders: ClassVar[list[Path]] = []
    sweep: Path | None = None
    jobs: int | None = None

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        _note(Path(config.hydra.run.dir))

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        Footprint.sweep = Path(config.hydra.sweep.dir)
        _note(Footprint.sweep)
        for earlier in Footprint.sweep.rglob(STATUS):
            earlier.unlink()
        if config.hydra.sweeper._target_.endswith(".BasicSweeper"):
            Footprint.jobs = _count(config)


def _note(folder: Path) -> None:
    folder = folder.absolute()
    Footprint.new_folders = [f for f in (folder, *folder.parents) if not f.exists()]


def _count(config: DictConfig) -> int:
    """How many jobs Hydra's basic sweeper will make."""
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

    params = [f"{key}={value}" for key, value in (config.hydra.sweeper.params or {}).items()]
    hydra = GlobalHydra.instance().hydra
    assert hydra is not None
    parser = OverridesParser.create(config_loader=hydra.config_loader)
    overrides = parser.parse_overrides(
        [*params, *(OmegaConf.to_container(config.hydra.overrides.task, resolve=False) or [])]
    )
    return sum(len(batch) for batch in BasicSweeper.split_arguments(overrides, None))


def sweep_away() -> None:
    """Removes what a rejected run has made: Hydra's sweep file, and the new folders that are empty."""
    folder = Footprint.sweep
    if folder is not None and folder.is_dir() and [f.name for f in folder.iterdir()] == [MULTIRUN_FILE]:
        (folder / MULTIRUN_FILE).unlink()
    for new in Footprint.new_folders:
        if new.is_dir() and not any(new.iterdir()):
            new.rmdir()


def exit_code() -> int:
    """The exit code of what was run, if anything was; what is empty of it is removed."""
    alone = int(last["status"]) if last else AGREE
    code = alone if Footprint.sweep is None else sweep_status(Footprint.sweep)
    sweep_away()
    return code


def sweep_status(folder: Path) -> int:
    """Prints a row a job and returns the sweep's exit code: any 3 gives 3, else any 2, else any 1, else 0."""
    statuses = [read_status(path.parent) for path in sorted(folder.rglob(STATUS))]
    statuses += [read_status(folder / "missing")] * ((Footprint.jobs or 0) - len(statuses))
    if not statuses:
        print("runner: command line: got a sweep without a job; allowed: at least one value a key", file=sys.stderr)
        return BAD_INPUT
    _print(sorted(statuses, key=lambda s: (s["number"] is None, s["number"])), folder)
    codes = {s["status"] for s in statuses}
    return next(code for code in (NOT_FINISHED, BAD_INPUT, DISAGREE, AGREE) if code in codes)


def _print(statuses: list[dict[str, Any]], folder: Path) -> None:
    from rich.text import Text

    from runner.records.console import open_console, plain_table
    from runner.records.words import number

    out = open_console()
    table = plain_table(["job", "overrides", "verdict"], "job", "overrides", "last loss", "roundings", "verdict")
    for s in statuses:
        loss = "-" if s.get("loss") is None else f"{s['loss']:.6g}"
        roundings = "-" if s.get("roundings") is None else number(s["roundings"])
        name = "?" if s["number"] is None else str(s["number"])
        verdict = s.get("verdict") or s.get("message") or "could not finish"
        style = "green" if s["status"] == AGREE else "bold red"
        table.add_row(name, Text(" ".join(s["overrides"])), loss, roundings, Text(verdict, style))
    agree = sum(s["status"] == AGREE for s in statuses)
    out.print()
    out.print(table)
    out.print()
    out.print(Text(f"{agree} of {len(statuses)} jobs agree"))
    out.print(Text(f"sweep folder {folder}"))
