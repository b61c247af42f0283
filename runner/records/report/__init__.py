"""report.html: a run as one page that needs nothing else, neither network nor server."""

from __future__ import annotations

from pathlib import Path

from runner.assemble import Setup
from runner.records.files import utf8, write_text
from runner.records.reading import RecordedRun
from runner.records.report.page import page


def write_report(run: RecordedRun, setup: Setup | None) -> Path:
    """Writes ``report.html`` into the run folder, whole, and returns it.

    ``setup`` is what the network is drawn from, layer by layer; without it boxes stand for the parameters' names.

    Raises:
        ConfigError: A file of the run cannot be read.
    """
    file = run.folder / "report.html"
    write_text(file, utf8(page(run, setup)))
    return file
