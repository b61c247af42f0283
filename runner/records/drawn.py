"""What is made of a run's other files once they are whole: its plots, and its page."""

from __future__ import annotations

from pathlib import Path

from runner.assemble import Setup
from runner.records.faults import Undrawn, noting
from runner.records.reading import read_run


def draw(folder: Path, setup: Setup) -> list[Undrawn]:
    """The plots, if they are wanted, and the page; and what could not be drawn of it.

    They only show what other files hold. So a fault in drawing one is told, and the verdict stands; a file that
    cannot be written is a record that cannot be kept, and ends the run.

    Raises:
        OSError: A file cannot be written.
    """
    from runner.records.report import write_report

    run = read_run(folder)
    faults: list[Undrawn] = []
    if setup.record_plots:
        from runner.records.plots import draw_plots  # matplotlib takes half a second to import

        faults += draw_plots(run, setup, svg=setup.record_svg)[1]
    with noting("report.html", faults):
        write_report(run, setup)
    return faults
