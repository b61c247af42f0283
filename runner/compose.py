"""The configuration of one run composed in process, from the same overrides as on the command line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.catalog import Catalog
from runner.errors import ConfigError
from runner.paths import CONF


def compose_config(overrides: Sequence[str], folder: Path | None = None) -> dict[str, Any]:
    """The whole configuration that ``overrides`` describe, still to be assembled; ``folder`` has choices beside ours.

    Raises:
        ConfigError: An override is malformed, or names what there is not.
    """
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    from runner import hydra_errors
    from runner.config import catalog_of, check_choices, own_part, register, resolved

    register()
    own = [] if folder is None else as_override("hydra.searchpath", [f"file://{folder.absolute()}"])
    running = GlobalHydra.instance().hydra  # there is one in a job, and Hydra allows no second
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            composed = compose("config", [*own, *overrides], return_hydra_config=True)
    except Exception as error:  # whatever Hydra raises here is about the overrides
        raise hydra_errors.translate(error, list(overrides), Catalog()) from error
    finally:
        GlobalHydra.instance().hydra = running
    config = resolved(own_part(composed))
    check_choices(composed.hydra.runtime.choices, overrides, catalog_of(composed.hydra))
    if config["resume"]:
        raise ConfigError("resume", "true", "false: only what the command line has begun is gone on with")
    if not isinstance(config["backend"], Mapping):
        raise ConfigError("backend", config["backend"], "a list of names")
    return config


BEFORE_QUOTE = re.compile(r"(\\*)('|\Z)")
"""Hydra takes a backslash as it stands, unless a quote follows, be it the closing one."""


def as_override(key: str, value: object) -> list[str]:
    """``key`` set to a Python value, in Hydra's grammar; a mapping sets the keys below ``key``."""
    if isinstance(value, Mapping):
        return [text for k, v in value.items() for text in as_override(f"{key}.{k}", v)]
    return [f"{key}={_text(value)}"]


def _text(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        plain = value.isascii() and value.replace("_", "").replace(".", "").isalnum()
        return value if plain else f"'{BEFORE_QUOTE.sub(_escaped, value)}'"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(_text, value)) + "]"
    return repr(value)


def _escaped(found: re.Match[str]) -> str:
    return found[1] * 2 + ("\\'" if found[2] else "")
