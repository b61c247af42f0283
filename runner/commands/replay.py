"""`python -m runner replay RUN`: a recorded run, run again, and held against its record."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console as RichConsole
from rich.text import Text

from runner import stopping
from runner.assemble import Setup
from runner.commands.differences import difference_table, differences, last_parameters, measure
from runner.commands.locate import RUN_HELP, found_run, parse_words
from runner.commands.reassemble import reassembled
from runner.commands.trust import TRUST, TRUST_HELP, take_trust
from runner.errors import AGREE, DISAGREE, RunError
from runner.experiment import run_experiment
from runner.outcome import Outcome, Record, Silent
from runner.records.console import Console, open_console
from runner.records.document import write_outcome
from runner.records.environment import devices_of, environment
from runner.records.files import write_json
from runner.records.gradients import gradients_file
from runner.records.pending import flatten
from runner.records.reading import RecordedRun, read_run
from runner.records.tables import DeviationsTable

USAGE = f"""\
python -m runner replay RUN [{TRUST}] [tracking.uri=URI]

Runs a recorded run again from its own configuration, in a temporary folder and without MLflow, and tells whether loss,
gradients, last parameters and verdict are bitwise the same; if not, by how many roundings and from which step on, and
what differs in versions and machine. Data files are looked for where they lay, from the folder that this is called in.

{TRUST_HELP}
A file of your own that is gone or has changed is then taken from the run folder.

{RUN_HELP}

Exit code: 0 the same, 1 not, 2 no such run or bad input, 3 could not finish."""


def replay(argv: list[str]) -> int:
    """Replays the run that ``argv`` names.

    Raises:
        ConfigError: There is no such run, it cannot be read, or its configuration cannot be assembled any more.
        RunError: The store cannot be reached, or the temporary folder cannot be written.
    """
    if {"--help", "-h"} & set(argv):
        print(USAGE)
        return AGREE
    words, trusted = take_trust(argv)
    (word,), uri = parse_words("replay", words, ["RUN"], flags=TRUST)
    console = open_console()
    with found_run(word, uri) as found, TemporaryDirectory(prefix="replay-", ignore_cleanup_errors=True) as scratch:
        for note in found.notes:
            console.print(Text(note))
        _check_whole(found.run)
        setup, told = reassembled(found.run, found.label, Path(scratch), trusted)
        for line in told:
            console.print(Text(line))
        try:
            again = _run_again(setup, found.run, Path(scratch) / "run")
        except OSError as error:
            raise RunError(f"{error.filename or scratch}: {error.strerror or error}") from error
        return _tell(console, found.run, again)


def _check_whole(run: RecordedRun) -> None:
    """Reads all that will be compared: damage is told before the training, not after it."""
    _ = run.steps, run.gradients, run.kept_parameters


def _run_again(setup: Setup, run: RecordedRun, folder: Path) -> RecordedRun:
    """Runs it, and reads what it has left in ``folder``."""
    folder.mkdir()
    for name in ("config.yaml", "overrides.yaml"):
        shutil.copy(run.folder / name, folder)
    own = [file for choice in setup.backends.values() for file in choice.files()]
    found = environment(setup.problem.threads, own) | devices_of(setup.backends)
    write_json(folder / "environment.json", found)
    recorder = _Recorder(setup, folder)
    try:
        outcome = run_experiment(setup, recorder)
    finally:
        recorder.end_progress()
    recorder.finish(outcome)
    return read_run(folder)


class _Recorder(Silent):
    """Keeps what is compared: deviations, gradients, parameters and the verdict. On a terminal it shows a bar."""

    def __init__(self, setup: Setup, folder: Path) -> None:
        self._setup, self._folder = setup, folder
        self._table = DeviationsTable(folder / "deviations.parquet")
        self._gradients = gradients_file(folder / "gradients.safetensors", setup)
        self._console = Console(setup)
        self._console.show_bar()

    def progress(self, step: int) -> None:
        stopping.check()
        self._console.progress(step)

    def end_progress(self) -> None:
        """Takes the bar away."""
        self._console.stop()

    def write(self, record: Record) -> None:
        for comparison in record.comparisons:
            self._table.add(record.step, comparison)
        if self._gradients is not None:
            self._gradients.add(record.steps)

    def finish(self, outcome: Outcome) -> None:
        """Closes the files."""
        self._table.close()
        if self._gradients is not None:
            self._gradients.close()
        write_outcome(self._folder, self._setup, outcome)


def _tell(console: RichConsole, run: RecordedRun, again: RecordedRun) -> int:
    """Prints what is the same and what is not; the exit code."""
    found = differences(run, again)
    changed = {
        "steps": [] if list(run.steps) == list(again.steps) else [f"{len(run.steps)} then, {len(again.steps)} now"],
        "loss": [d.backend for d in found if d.tensor == "loss" and not d.same],
        "gradients": [f"{d.backend}/{d.tensor}" for d in found if d.tensor != "loss" and not d.same],
        "last parameters": [
            name.removeprefix("last/") for name in last_parameters(run.kept_parameters, again.kept_parameters)
        ],
        "verdict": _changed(run.verdict, again.verdict),
    }
    for what, names in changed.items():
        words = f"not the same: {', '.join(names)}" if names else "bitwise the same"
        if what == "gradients" and run.gradients is None:
            words = "not recorded"
        console.print(Text(f"{what:<17}{words}", "bold red" if names else ""))
    same = not any(changed.values())
    if not all(d.same for d in found):
        console.print()
        console.print(difference_table([d for d in found if not d.same]))
        console.print(Text(measure(run, again)))
    versions = _versions(run.environment, again.environment)
    console.print()
    for line in versions:
        console.print(Text(line))
    console.print(Text(_conclusion(same, bool(versions)), "bold green" if same else "bold red"))
    return AGREE if same else DISAGREE


def _conclusion(same: bool, other_versions: bool) -> str:
    if same:
        return "the same: the run was reproduced bit by bit"
    likely = "these versions or another machine are the likely reason" if other_versions else "versions are the same"
    return f"not the same; {likely}"


def _changed(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The keys of verdict.json that differ; the smaller case of a mismatch is not searched again."""
    return [key for key in dict.fromkeys([*one, *other]) if key != "minimal" and one.get(key) != other.get(key)]


def _versions(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs of versions and machine, a line each; the user's own files are told of elsewhere."""
    mine, theirs = (dict(flatten({k: v for k, v in known.items() if k != "files"})) for known in (then, now))
    pairs = [(key, mine.get(key, "nothing"), theirs.get(key, "nothing")) for key in dict.fromkeys([*mine, *theirs])]
    return [f"{key}: {a} then, {b} now" for key, a, b in pairs if a != b]
