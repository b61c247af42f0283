"""Everything that a network can be made of, and trained by, has a fault of its own."""

from __future__ import annotations

from types import NoneType

import pytest
from hydra.utils import get_class

from runner.paths import CONF
from tests.faults.fault import Fault
from tests.faults.library import FAULTS
from tests.faults.setups import setup_of

FAMILIES = {
    "loss": ("loss", "regression", "classes"),
    "optimizer": ("update",),
    "schedule": ("rate",),
    "clip": ("rate",),
}
"""The families of faults in each group of the configuration, where a fault is in the one that its network has."""

NOTHING = {"constant", "none"}
"""Choices that do nothing, in which nothing can be wrong."""


def test_every_layer_has_a_fault() -> None:
    kinds = [getattr(setup_of(fault).backends[fault.name], "kind", NoneType) for fault in FAULTS]
    for file in (CONF / "layer").glob("*.yaml"):
        target = next(line for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("_target_"))
        layer = get_class(target.removeprefix("_target_: "))
        assert any(issubclass(layer, kind) for kind in kinds), file.stem


@pytest.mark.parametrize("group", FAMILIES)
def test_every_choice_of_a_group_has_a_fault(group: str) -> None:
    tried = {chosen(fault, group) for fault in FAULTS if fault.family in FAMILIES[group]}
    assert {file.stem for file in (CONF / group).glob("*.yaml")} - NOTHING - tried == set()


def chosen(fault: Fault, group: str) -> str:
    """What the configuration calls the choice that the fault's network has."""
    return type(getattr(setup_of(fault).problem, group)).__module__.rpartition(".")[2]
