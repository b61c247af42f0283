"""Some of the random command lines and YAML files of ``make fuzz``: each ends as it should."""

from __future__ import annotations

from pathlib import Path

from tests.fuzzing.inputs import FIRST_SEED, drawn, taken

COUNT = 60


def test_random_inputs_end_as_they_should(migrated: Path) -> None:
    print(f"seed {FIRST_SEED}")
    codes = set()
    for found in drawn(COUNT, FIRST_SEED):
        code, problems = taken(found, migrated)
        assert not problems, (found, problems)
        codes.add(code)
    assert {0, 2} <= codes


def test_a_seed_draws_the_same_inputs() -> None:
    assert drawn(20, 5) == drawn(20, 5) != drawn(20, 6)
