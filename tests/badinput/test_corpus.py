"""Every row of the corpus: one line on stderr that names the key or the file, and nothing left behind.

The rows of data and of parameters are refused where the run is assembled, in this process; what may do anything, or
is Hydra's or MLflow's to find, is refused by the program, in a process of its own.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.assemble import assemble
from runner.errors import ConfigError
from tests.badinput import code, configs, data_files, init_files, stores, sweeps
from tests.badinput.rows import Files, Refused, write_files
from tests.cli.process import run, tree
from tests.helpers import CATALOG, configuration

HERE = [("data_files", row) for row in data_files.ROWS] + [("init_files", row) for row in init_files.ROWS]
PROGRAM = [
    *(("code", row) for row in code.ROWS),
    *(("configs", row) for row in configs.ROWS),
    *(("sweeps", row) for row in sweeps.ROWS),
    *(("stores", row) for row in stores.ROWS),
]
LEFT = {"status.json", "run.lock"}


class Places:
    """A folder for each table, its files written once by each worker, which nothing may change."""

    def __init__(self, root: Path, store: Path) -> None:
        self._root = root
        self._files: dict[str, Files] = {
            "data_files": data_files.FILES,
            "init_files": init_files.FILES,
            "code": code.FILES,
            "configs": configs.FILES,
            "sweeps": sweeps.FILES,
            "stores": stores.files(store),
        }
        self._known: dict[str, dict[str, bytes | None]] = {}

    def of(self, table: str) -> Path:
        folder = self._root / table
        if table not in self._known:
            folder.mkdir()
            write_files(folder, self._files[table])
            self._known[table] = tree(folder)
        return folder

    def is_as_before(self, table: str) -> bool:
        return tree(self._root / table) == self._known[table]

    def has_no_more_than_a_status(self, table: str) -> bool:
        """Of a run that began: nothing but how it ended, beside what MLflow does to a damaged store."""
        now, before = tree(self._root / table), self._known[table]
        files = {name for name in {*now} - {*before} if now[name] is not None}
        return {Path(name).name for name in files if ".db" not in name} <= LEFT


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Places:
    return Places(tmp_path_factory.mktemp("corpus"), migrated)


def named(rows: list[tuple[str, Refused]]) -> list[str]:
    return [f"{table}: {' '.join(row.args)[:60]}" for table, row in rows]


@pytest.mark.parametrize(("table", "row"), HERE, ids=named(HERE))
def test_a_bad_file_is_refused(table: str, row: Refused, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(places.of(table))
    with pytest.raises(ConfigError) as refused:
        assemble(configuration(*row.args), CATALOG)
    check_line(f"runner: {refused.value}\n", row)
    assert places.is_as_before(table)


@pytest.mark.parametrize(("table", "row"), PROGRAM, ids=named(PROGRAM))
def test_a_bad_input_is_refused(table: str, row: Refused, places: Places) -> None:
    finished = run(places.of(table), *row.args)
    assert finished.code == row.code, finished.err
    assert finished.out == ""
    check_line(finished.err, row)
    assert places.is_as_before(table) if row.code == 2 else places.has_no_more_than_a_status(table)


def check_line(text: str, row: Refused) -> None:
    assert text.count("\n") == 1, text
    assert text.startswith(f"runner: {row.key}"), text
    assert not row.key or text[len(f"runner: {row.key}") :][:1] in (":", "[", ".", " "), text
    assert row.word in text, text
    assert "Traceback" not in text
    if row.code == 2:
        assert "; allowed: " in text, text


def test_the_corpus_is_large_enough() -> None:
    assert len(HERE) + len(PROGRAM) >= 240
    assert len({(table, *row.args) for table, row in [*HERE, *PROGRAM]}) == len(HERE) + len(PROGRAM)
