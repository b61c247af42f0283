"""`python -m runner runs`: the recorded runs of a store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import TYPE_CHECKING, Any

from rich.text import Text

from runner.commands.listing import Row, listed
from runner.commands.locate import SWEEP, default_uri, started
from runner.commands.store import URI, all_runs, open_store
from runner.comparison.results import SEVERITY as VERDICTS
from runner.errors import AGREE, ConfigError, RunError, choices
from runner.records.console import open_console
from runner.records.dead import end_dead_runs
from runner.records.store import as_run_error

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

STATES = ("sweep", "running", "scheduled", "finished", "failed", "killed")
"""What stands in place of a verdict: that of a run which has none."""

USAGE = f"""\
python -m runner runs [verdict=VERDICT] [experiment=NAME] [name=TEXT] [sort=start] [limit=N] [{URI}=URI]

Lists the recorded runs of an MLflow store; deleted ones are left out. Runs of this machine that are running there, and
whose process was killed outright, are set to killed first.

  verdict=VERDICT   only those that have this verdict: {", ".join(VERDICTS)};
                    or this state in its place: {", ".join(STATES)}
  experiment=NAME   only those of this MLflow experiment
  name=TEXT         only those whose name has this text in it
  sort=start        in which order: start (the latest first), roundings (the most first), loss (the lowest first), name
  limit=N           at most so many
  {URI}=URI  which store; the default is that of every run, sqlite:///outputs/mlflow.db

The last loss is torch's, or else that of the last backend by name. A run that has not ended, or could not finish, has
its state in place of a verdict. On a terminal names are shortened, and columns left out, until a row fits.

Exit code: 0 listed, 2 bad input, 3 the store cannot be reached."""

LOSS = "loss/"


ORDERS: dict[str, Callable[[Row], Any]] = {
    "start": lambda row: -row.milliseconds,
    "roundings": lambda row: (isnan(row.roundings), -row.roundings),
    "loss": lambda row: (isnan(row.loss), row.loss),
    "name": lambda row: row.name,
}


@dataclass(frozen=True)
class Wanted:
    """The command's own keys; empty text leaves nothing out."""

    verdict: str = ""
    experiment: str = ""
    name: str = ""
    sort: str = "start"
    limit: int | None = None
    uri: str = ""


def runs(argv: list[str]) -> int:
    """Lists the runs that ``argv`` asks for.

    Raises:
        ConfigError: A key is unknown or its value is wrong; there is no such store or experiment.
        RunError: The store cannot be reached.
    """
    if {"--help", "-h"} & set(argv):
        print(USAGE)
        return AGREE
    wanted = parse_wanted(argv)
    client = open_store(wanted.uri)
    with as_run_error(wanted.uri):
        client.search_experiments(max_results=1)  # a store that cannot be reached is told once
    _end_dead(client, wanted.uri)
    with as_run_error(wanted.uri):
        rows = _rows(client, wanted)
    shown = sorted(rows, key=ORDERS[wanted.sort])[: wanted.limit]
    console = open_console()
    words = f"{len(shown)} of {len(rows)} runs" if len(shown) < len(rows) else _counted(len(rows))
    if shown:
        table, left_out = listed(shown, console.width if console.is_terminal else None)
        console.print(table)
        words += f"; no room here for: {', '.join(left_out)}" if left_out else ""
    console.print(Text(words))
    return AGREE


def _end_dead(client: MlflowClient, uri: str) -> None:
    """Whose process was killed is KILLED from now on; a store that must not be written is listed as it is."""
    try:
        with as_run_error(uri):
            end_dead_runs(client, [e.experiment_id for e in client.search_experiments()])
    except RunError as error:
        print(f"runner: runs whose process was killed stay running: {error}", file=sys.stderr)


def parse_wanted(words: Sequence[str]) -> Wanted:
    """``KEY=VALUE`` words.

    Raises:
        ConfigError: A key is unknown, or its value is not what it should be.
    """
    found: dict[str, Any] = {"uri": default_uri()}
    keys = [*(name for name in vars(Wanted()) if name != "uri"), URI]
    for word in words:
        key, is_there, value = word.partition("=")
        if key not in keys or not is_there:
            raise ConfigError("runs", word, f"KEY=VALUE, KEY one of {choices(keys, key)}")
        found["uri" if key == URI else key] = value
    for key, allowed in (("verdict", (*VERDICTS, *STATES)), ("sort", tuple(ORDERS))):
        if key in found and found[key] not in allowed:
            raise ConfigError(key, repr(found[key]), f"one of {choices(allowed, found[key])}")
    if "limit" in found:
        text = found["limit"]
        if not (text.isascii() and text.isdigit() and int(text) > 0):
            raise ConfigError("limit", repr(text), "a whole number from 1")
        found["limit"] = int(text)
    return Wanted(**found)


def _rows(client: MlflowClient, wanted: Wanted) -> list[Row]:
    names = {e.experiment_id: e.name for e in client.search_experiments()}
    if wanted.experiment and wanted.experiment not in names.values():
        allowed = f"one of {choices(sorted(names.values()), wanted.experiment)}"
        raise ConfigError("experiment", repr(wanted.experiment), allowed)
    chosen = [key for key, name in names.items() if wanted.experiment in ("", name)]
    rows = [_row(run, names[run.info.experiment_id]) for run in all_runs(client, chosen)]
    return [row for row in rows if wanted.verdict in ("", row.verdict) and wanted.name in row.name]


def _row(run: Run, experiment: str) -> Row:
    info, metrics, tags = run.info, run.data.metrics, run.data.tags
    losses = sorted(key for key in metrics if key.startswith(LOSS))
    of = f"{LOSS}torch" if f"{LOSS}torch" in metrics else losses[-1] if losses else ""
    return Row(
        name=info.run_name,
        experiment=experiment,
        verdict=tags.get("verdict", "sweep" if SWEEP in tags else info.status.lower()),
        roundings=metrics.get("verdict/precision_roundings", nan),
        loss=nan if f"nonfinite.{of}" in tags else metrics.get(of, nan),
        start=started(run),
        run_id=info.run_id,
        folder=tags.get("run_folder", tags.get(SWEEP, "-")),
        milliseconds=info.start_time or 0,
    )


def _counted(count: int) -> str:
    return {0: "no run", 1: "1 run"}.get(count, f"{count} runs")
