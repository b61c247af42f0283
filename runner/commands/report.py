"""`python -m runner report RUN`: the plots and the page of a recorded run, made again."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from runner.assemble import Setup
from runner.commands.locate import RUN_HELP, Found, found_run, parse_words, short
from runner.commands.reassemble import reassembled_network
from runner.commands.trust import TRUST, take_trust
from runner.errors import AGREE, NOT_FINISHED, ConfigError, RunError, printable
from runner.records.faults import Undrawn, noting, tell_undrawn
from runner.records.reading import RecordedRun

USAGE = f"""\
python -m runner report RUN [{TRUST}] [tracking.uri=URI]

Draws plots/ and writes report.html again in the run folder, from what was recorded; nothing is computed anew but the
learnt function and the confusion matrix. Of a run whose folder is gone they are made from its MLflow artifacts, into
./report-<id>/. A backend of your own is not needed for that, and not run. Where layers, data or targets are, the
network is drawn without them, unless {TRUST} lets that code run, with your rights.

{RUN_HELP}

Exit code: 0 made, 2 no such run or bad input, 3 could not finish."""


def report(argv: list[str]) -> int:
    """Makes the plots and the page of the run that ``argv`` names, and prints where they lie.

    Raises:
        ConfigError: There is no such run, or it cannot be read.
        RunError: The store cannot be reached, or a file could not be written.
    """
    if {"--help", "-h"} & set(argv):
        print(USAGE)
        return AGREE
    words, trusted = take_trust(argv)
    (word,), uri = parse_words("report", words, ["RUN"], flags=TRUST)
    with found_run(word, uri) as found:
        for note in found.notes:
            print(printable(note))
        setup = setup_of(found, trusted)
        try:
            made, faults = _made(found.run, setup)
            files = _placed(found, made)
        except OSError as error:
            raise RunError(f"{error.filename or found.label}: {error.strerror or error}") from error
    for file in files:
        print(printable(str(file)))
    tell_undrawn(_place(found), faults)
    return NOT_FINISHED if faults else AGREE


def setup_of(found: Found, trusted: bool) -> Setup | None:
    """The run's setup; None, told on stdout, where its configuration cannot be assembled any more, or is not to be."""
    try:
        return reassembled_network(found.run, found.label, trusted)
    except ConfigError as error:
        print(f"the network is left out, its configuration cannot be assembled: {error}")
        return None


def _made(run: RecordedRun, setup: Setup | None) -> tuple[list[Path], list[Undrawn]]:
    from runner.records.plots import draw_plots
    from runner.records.report import write_report

    files, faults = draw_plots(run, setup, svg=bool(run.config["record"].get("svg")))
    with noting("report.html", faults):
        files.append(write_report(run, setup))
    return files, faults


def _place(found: Found) -> Path:
    """The run's folder, or one of the current folder in place of a temporary one."""
    return Path(f"report-{short(found.run_id)}") if found.downloaded else found.run.folder


def _placed(found: Found, files: Sequence[Path]) -> list[Path]:
    """The files where they stay: out of a temporary folder into one of the current folder."""
    if not found.downloaded:
        return list(files)
    place = _place(found)
    moved = []
    for file in files:
        target = place / file.relative_to(found.run.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        moved.append(Path(shutil.copyfile(file, target)))
    return moved
