"""`checkpoint.every=N` and `resume=true`: runs of the program that are killed or stopped, and gone on with."""

from __future__ import annotations

import dataclasses
import random
import shutil
import signal
from pathlib import Path

import pytest

from runner.checkpoints.checkpoint import Checkpoint
from runner.checkpoints.file import NAME, read_checkpoint, write_checkpoint
from tests.cli.process import Finished, run, tree
from tests.cli.stores import read_json
from tests.sharing import furnish as furnish_store

from .killing import furnish, moments
from .left import Left, left, tag

WORDS = ("data.samples=12", "checkpoint.every=4", "record.plots=false", "optimizer=adam")
PLACE = "hydra.run.dir=run"
KEPT = f"after replace {NAME}.part"
"""The moment at which a checkpoint is there."""

Through = tuple[Left, list[str]]
"""What a run leaves that went through, and its moments."""


def killed(place: Path, at: int, *words: str) -> None:
    """A run that is killed at its moment number ``at``."""
    furnish(place, at)
    with pytest.raises(RuntimeError, match="ended without its exit functions"):
        run(place, *WORDS, *words)
    furnish(place, 0)


@pytest.fixture(scope="module")
def through(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Through:
    place = tmp_path_factory.mktemp("through") / "place"
    furnish_store(place, migrated)
    furnish(place, 0)
    assert run(place, *WORDS, PLACE).code == 0
    found = moments(place)
    assert found.count(KEPT) == 3
    return left(place, "run"), found


@pytest.fixture(scope="module")
def between(through: Through) -> int:
    """The number of a moment at which the first checkpoint is there and the second is not."""
    first = through[1].index(KEPT)
    second = through[1].index(KEPT, first + 1)
    return (first + second) // 2


def count_left(place: Path) -> int:
    """The moments of the run that goes on there; the place is then as it was."""
    before = place.with_name("before")
    shutil.copytree(place, before)
    assert run(place, *WORDS, PLACE, "resume=true").code == 0
    found = len(moments(place))
    shutil.rmtree(place)
    before.rename(place)
    return found


@pytest.mark.parametrize("nth", range(4))
def test_a_run_that_was_killed_at_any_moment_leaves_what_one_leaves_that_went_through(
    nth: int, place: Path, through: Through
) -> None:
    wanted, every = through
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    draw = random.Random(seed)
    part = (len(every) - 3) // 4
    killed(place, 1 + nth * part + draw.randrange(part), PLACE)
    if nth:
        killed(place, draw.randint(1, count_left(place)), PLACE, "resume=true")
    finished = run(place, *WORDS, PLACE, "resume=true")
    assert (finished.code, finished.err) == (0, "")
    assert left(place, "run") == wanted


@pytest.fixture
def broken(place: Path, between: int) -> Path:
    """A place with a run that was killed after its first checkpoint, in the folder ``run``."""
    killed(place, between, PLACE)
    assert (place / "run" / NAME).is_file()
    return place


def test_a_run_tells_that_it_goes_on_and_how_often_it_did(broken: Path, through: Through) -> None:
    killed(broken, 12, PLACE, "resume=true")
    finished = run(broken, *WORDS, PLACE, "resume=true")
    assert "going on from its checkpoint, where 4 of them are done" in finished.out.splitlines()
    assert tag(broken, "run", "resumed") == ["2"]
    assert left(broken, "run") == through[0]


def test_without_resume_a_run_begins_anew(broken: Path, through: Through) -> None:
    finished = run(broken, *WORDS, PLACE)
    assert "going on" not in finished.out
    assert tag(broken, "run", "resumed") == []
    assert left(broken, "run") == through[0]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=lambda how: how.name)
def test_a_run_that_is_stopped_goes_on_likewise(
    how: signal.Signals, place: Path, between: int, through: Through
) -> None:
    furnish(place, between, how)
    finished = run(place, *WORDS, PLACE)
    furnish(place, 0)
    assert finished.code == 3
    assert read_json(place / "run" / "status.json")["status"] == 3
    assert run(place, *WORDS, PLACE, "resume=true").code == 0
    assert tag(place, "run", "resumed") == ["1"]
    assert left(place, "run") == through[0]


def refused(place: Path, *words: str) -> str:
    """The one line of a run that is refused, having changed nothing in its folder."""
    for left_by_kill in ("status.json", "run.lock"):
        (place / "run" / left_by_kill).unlink(missing_ok=True)
    before = tree(place / "run")
    finished = run(place, *words, PLACE, "resume=true")
    assert (finished.code, finished.out, tree(place / "run")) == (2, "", before)
    (line,) = finished.err.splitlines()
    return line


def test_another_configuration_or_a_changed_file_is_refused(place: Path, between: int) -> None:
    data, own = place / "data.csv", place / "own.py"
    data.write_text("a,b,y\n" + "".join(f"0.{i},0.5,0.{i}\n" for i in range(1, 9)), encoding="utf-8")
    own.write_text((Path(__file__).parents[1] / "own" / "right.py").read_text(encoding="utf-8"), encoding="utf-8")
    of_file = ("data=csv", f"data.path={data}", "target=column", "target.name=y", "backend=[function,torch]")
    words = (*WORDS[1:], *of_file, f"backend.function.path={own}:backprop")
    furnish(place, between)
    with pytest.raises(RuntimeError, match="ended without its exit functions"):
        run(place, *words, PLACE)
    shutil.rmtree(place / "hydra_plugins")
    as_in = f"as in run/{NAME}: a run goes on with the configuration that it has"
    assert refused(place, *words, "lr=0.1") == f"runner: lr: got 0.1; allowed: 0.05, {as_in}"
    assert refused(place, *words, "checkpoint.every=5") == f"runner: checkpoint.every: got 5; allowed: 4, {as_in}"
    text = own.read_text(encoding="utf-8")
    own.write_text(f"{text}\n", encoding="utf-8")
    assert refused(place, *words) == (
        f"runner: resume: got true, where {own} has changed; allowed: the file that the run began with"
    )
    own.write_text(text, encoding="utf-8")
    data.write_text(data.read_text(encoding="utf-8").replace("0.3,0.5", "0.4,0.5"), encoding="utf-8")
    assert refused(place, *words) == (
        "runner: resume: got true, where the samples or the first parameters have changed;"
        f" allowed: those that run/{NAME} was made with"
    )


def test_a_damaged_checkpoint_is_told_and_without_it_the_run_begins_anew(broken: Path, through: Through) -> None:
    path = broken / "run" / NAME
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    finished = run(broken, *WORDS, PLACE, "resume=true")
    assert finished.code == 3
    assert finished.err == (
        f"runner: run/{NAME}: damaged (its checksum is another); the run begins anew where this file is removed\n"
    )
    assert path.read_bytes() == content
    path.unlink()
    assert run(broken, *WORDS, PLACE, "resume=true").code == 0
    assert left(broken, "run") == through[0]


def test_other_versions_are_told_and_taken(broken: Path, through: Through) -> None:
    path = broken / "run" / NAME
    found = read_checkpoint(path, Checkpoint)
    packages = {**found.environment["packages"], "numpy": "1.0"}
    write_checkpoint(path, dataclasses.replace(found, environment={**found.environment, "packages": packages}))
    now = read_json(broken / "run" / "environment.json")["packages"]["numpy"]
    finished = run(broken, *WORDS, PLACE, "resume=true")
    words = "going on, though no longer bitwise as without the break, with"
    assert (finished.code, finished.err) == (0, f"runner: run: {words} numpy {now}, not 1.0\n")
    assert tag(broken, "run", "resumed.with") == [f"numpy {now}, not 1.0"]
    assert left(broken, "run") == through[0]


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("checkpoint.every=0", "checkpoint.every: got 0; allowed: a whole number from 1, or null"),
        ("checkpoint.every=often", "checkpoint.every: got often; allowed: a whole number, or null"),
        ("resume=maybe", "resume: got maybe; allowed: true or false"),
    ],
)
def test_a_wrong_value_is_refused(word: str, line: str, place: Path) -> None:
    assert refused_anew(place, word) == Finished(place, 2, "", f"runner: {line}\n")


def test_replicas_have_no_checkpoints(place: Path) -> None:
    finished = refused_anew(place, "replicas=2", "checkpoint.every=3")
    assert finished.err == (
        "runner: checkpoint.every: got 3; allowed: null beside replicas above 1: it is about one run\n"
    )


def refused_anew(place: Path, *words: str) -> Finished:
    before = tree(place)
    finished = run(place, *words)
    assert tree(place) == before
    return finished
