"""What the commands about backpropagations of one's own share: a run's overrides, and the command that replays it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from runner.assemble import Setup, assemble
from runner.backends.function import Function
from runner.catalog import Catalog
from runner.compose import as_override, compose_config
from runner.errors import ConfigError
from runner.shell import shell_line

BACKENDS = "backend=[function,torch]"
PATH = "backend.function.path"
PLAIN = re.compile(r"[A-Za-z_./][\w./:-]*", re.ASCII)
"""A path that Hydra takes as it stands."""


def unwritten(parameters: object, x: object, y: object) -> None:
    """Stands in the configuration for a function that is still to come."""


def compose_unwritten(overrides: Sequence[str]) -> dict[str, Any]:
    """The configuration of a run of the function backend against torch, with ``unwritten`` as the function.

    Raises:
        ConfigError: An override is malformed, names what there is not, or says what the command says itself.
    """
    for word in overrides:
        key, value = word.lstrip("+~").partition("=")[::2]
        if key in ("backend", PATH):
            raise ConfigError(key, value or word, f"nothing: the command itself says {BACKENDS} and {PATH}")
        if word.startswith("-"):
            raise ConfigError("command line", word, "overrides as of a run, KEY=VALUE or GROUP=CHOICE, and no flags")
    return compose_config([BACKENDS, f"{PATH}={unwritten.__module__}:{unwritten.__name__}", *overrides])


def assemble_unwritten(config: dict[str, Any]) -> tuple[Setup, Function]:
    """All that a composed configuration describes, and its function backend.

    Raises:
        ConfigError: Any key, combination of keys, or file that is wrong.
    """
    setup = assemble(config, Catalog())
    names = list(setup.backends)
    if names != ["function", "torch"]:
        raise ConfigError("backend", f"[{', '.join(names)}]", "function and torch alone")
    function = setup.backends["function"]
    if not isinstance(function, Function):
        raise ConfigError("backend.function._target_", type(function).__name__, "the function backend's own class")
    return setup, function


def run_line(path: str, overrides: Sequence[str]) -> str:
    """The command that runs ``FILE.py:FUNCTION`` against torch, as a shell takes it."""
    place = [f"{PATH}={path}"] if PLAIN.fullmatch(path) else as_override(PATH, path)
    return shell_line(["python", "-m", "runner", BACKENDS, *place, *overrides])
