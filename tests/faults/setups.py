"""The setup of a fault's run, all faults of one configuration being composed at once."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from runner.assemble import Setup
from tests.faults.fault import Fault
from tests.faults.library import EVERY
from tests.helpers import make_setup


def setup_of(fault: Fault, *more: str) -> Setup:
    """The run of a fault against torch, under its own overrides and ``more``."""
    setup = _together((*fault.on()[1:], *more), tuple(fault.on()[1:]))
    return replace(setup, backends={name: setup.backends[name] for name in (fault.name, "torch")})


@cache
def _together(overrides: tuple[str, ...], own: tuple[str, ...]) -> Setup:
    names = [fault.name for fault in EVERY if fault.on()[1:] == list(own)]
    return make_setup(f"backend=[{','.join(names)},torch]", *overrides)
