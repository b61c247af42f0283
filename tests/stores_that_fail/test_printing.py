"""A log on a full disk: exit code 3 and one line that names the stream, and what came to its end is recorded so."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.process import command, environment, run
from tests.cli.stores import client, read_json, runs

from .test_disks import mounted

FULL = Path("/dev/full")
TOLD = "runner: standard output: No space left on device\n"
SHORT = ("data.samples=3", "record.plots=false")


def into(log: Path, place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The program with its standard output added to a file."""
    with log.open("a") as out:
        return subprocess.run(
            command(*words),
            cwd=place,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=300,
            check=False,
        )


@pytest.mark.parametrize("words", [("--cfg", "job"), ("--help",), ("runs",), SHORT], ids=lambda words: words[0])
def test_a_disk_that_is_full_from_the_beginning_is_told_in_one_line(words: tuple[str, ...], place: Path) -> None:
    assert run(place, *SHORT, "tracking.experiment=earlier").code == 0
    done = into(FULL, place, *words)
    assert (done.returncode, done.stderr) == (3, TOLD)


def test_a_stream_of_errors_that_is_full_does_not_make_a_refusal_a_verdict(place: Path) -> None:
    for words in (("lr=x",), ("-m", "lr=1,x"), ("runs", "x")):
        line = ["sh", "-c", 'exec "$@" 2> /dev/full', "sh", *command(*words)]
        assert subprocess.run(line, cwd=place, env=environment(), timeout=120, check=False).returncode == 3


def test_a_run_whose_verdict_no_longer_fits_into_the_log_is_finished(place: Path) -> None:
    with mounted(place, "size=4k") as volume:
        log = volume / "log"
        log.write_text("-" * 3500)
        done = into(log, place, *SHORT, "hydra.run.dir=one")
        assert "3 steps, batch" in log.read_text()
    assert (done.returncode, done.stderr) == (3, TOLD)
    (record,) = runs(client(place))
    assert (record.info.status, record.data.tags["verdict"]) == ("FINISHED", "agree")
    assert read_json(place / "one" / "status.json")["status"] == 0


def test_a_sweep_whose_log_is_full_goes_on_and_is_recorded_to_its_end(place: Path) -> None:
    done = into(FULL, place, "-m", "seed=1,2", *SHORT, "hydra.sweep.dir=two")
    assert (done.returncode, done.stderr) == (3, TOLD)
    found = runs(client(place))
    assert [record.info.status for record in found] == ["FINISHED"] * 3
    assert [read_json(place / "two" / job / "status.json")["status"] for job in "01"] == [0, 0]
    assert run(place, "-m", "seed=1,2", *SHORT, "hydra.sweep.dir=two", "resume=true").code == 0
    assert len(runs(client(place))) == 3
