"""Names that files and metrics are made of are checked in one line, whoever gives them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from runner.assemble import assemble
from runner.catalog import Catalog
from runner.commands.crew import Submission
from runner.commands.grades import failed
from runner.commands.results import Results
from runner.compose import compose_config
from runner.errors import ConfigError
from runner.records.store import _slug

HOSTILE = ("../x", "/x", "..", ".", "a/b", "a\\b", "a\0b", "a\nb", "\x1b[31m", " ", "", "x" * 101, "ä", "a:b")


def refused(config: dict[str, object]) -> str:
    with pytest.raises(ConfigError) as raised:
        assemble(config, Catalog())
    line = str(raised.value)
    assert line.isprintable()
    return line


def config() -> dict[str, object]:
    return compose_config(["data.samples=3", "architecture.hidden=[2]"])


@pytest.mark.parametrize("name", HOSTILE)
def test_a_backends_name_is_no_path(name: str) -> None:
    made = config()
    backends = made["backend"]
    assert isinstance(backends, dict)
    made["backend"] = {name: {"use": "scratch"}, **backends}
    line = refused(made)
    assert line.startswith("backend.")
    assert line.endswith(("allowed: a name of letters, digits, _, . and -", "allowed: at most 100"))


def test_backends_that_some_disks_do_not_tell_apart_are_refused() -> None:
    made = config()
    backends = made["backend"]
    assert isinstance(backends, dict)
    made["backend"] = {"Torch": {"use": "scratch"}, **backends}
    line = refused(made)
    assert line == "backend.torch: got a name beside Torch; allowed: names that differ in more than case"


@pytest.mark.parametrize("name", [*(n for n in HOSTILE if len(n) < 100), "a.b", "1a", "__proto__ "])
def test_a_layers_name_is_an_identifier(name: str) -> None:
    made = config()
    architecture = made["architecture"]
    assert isinstance(architecture, dict)
    architecture["layers"] = [{"layer": "linear", "out": 1, "name": name}]
    assert refused(made).endswith("allowed: letters, digits and _, not a digit first")


@pytest.mark.parametrize("name", [*HOSTILE, "x" * 500, "CON", "a" * 80 + "/../" * 20])
def test_an_experiments_folder_is_one_short_name(name: str) -> None:
    slug = _slug(name)
    assert slug.replace("-", "").replace("_", "").isalnum()
    assert len(slug.encode()) <= 255
    assert slug not in {_slug(other) for other in HOSTILE if other != name}


@pytest.mark.parametrize("name", ["=HYPERLINK(1).py", "+1.py", "-1.py", "@SUM(1).py", "plain.py"])
def test_a_submissions_name_is_no_formula(tmp_path: Path, name: str) -> None:
    results = Results(tmp_path, "folder", "backprop", [], ["loss"])
    results.add(Submission(1, name, tmp_path / name), failed("error", "it raised"))
    with results.table.open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["file"] == (name if name == "plain.py" else f"./{name}")
