"""Hydra's errors, which span lines and bury the key, as one line: the key, what it got, what is allowed."""

from __future__ import annotations

import errno
import re
from argparse import ArgumentParser
from pathlib import Path

from hydra._internal.utils import get_args_parser
from hydra.errors import MissingConfigException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException

from runner.catalog import Catalog
from runner.config import complaint
from runner.errors import ConfigError, choices, one_line

UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)
FORM = "KEY=VALUE, GROUP=CHOICE, +KEY=VALUE to add, ~KEY to remove"


def parse_flags(argv: list[str]) -> str | None:
    """Checks the flags as Hydra will, and returns ``--config-dir``.

    Raises:
        ConfigError: A flag is unknown or wrong.
    """
    parser: ArgumentParser = get_args_parser()

    def refuse(message: str) -> None:
        raise ConfigError("command line", message, "the flags that --help lists")

    parser.error = refuse  # type: ignore[method-assign,assignment]
    folder: str | None = parser.parse_args(argv).config_dir
    if folder is not None and not Path(folder).is_dir():
        raise ConfigError("--config-dir", folder, "a folder with YAML files in folders named like the groups")
    return folder


def is_unwritable(error: Exception) -> bool:
    """Whether the disk refused, be it full or read-only: no fault of the configuration."""
    return isinstance(error, OSError) and error.errno in UNWRITABLE


def translate(error: Exception, argv: list[str], catalog: Catalog) -> ConfigError:
    """What is wrong with the configuration, given what Hydra raised while it composed it."""
    if isinstance(error, ConfigError):
        return error
    if isinstance(error, MissingConfigException):
        return _missing(error, catalog)
    if isinstance(error, OSError):
        return ConfigError("hydra.run.dir", f"{error.filename} ({error.strerror})", "a folder that can be made")
    cause = error if isinstance(error, OmegaConfBaseException) else error.__cause__
    if isinstance(cause, OmegaConfBaseException):
        return _composition(cause, catalog)
    text = str(error).split("\nSee https")[0]
    if isinstance(error, OverrideParseException):
        return ConfigError("command line", repr(error.override), f"{FORM} ({_first_line(text)})")
    ambiguous = re.search(r"Ambiguous value for argument '([^=]*)=(.*)'", text)
    if ambiguous:
        return ConfigError(ambiguous[1], ambiguous[2], "one value, or [a,b] for a list, or -m before it for a sweep")
    sweep = re.search(r"Sweep parameters '([^=]*)=(.*)' requires", text)
    if sweep:
        return ConfigError(sweep[1], sweep[2], "one value, or -m before it for a sweep")
    nulls = [word.partition("=")[0].lstrip("+") for word in argv if word.endswith("=null")]
    if "Config group override must be" in text and nulls:
        return ConfigError(nulls[0], "null", choices(catalog.names(nulls[0]), ""))
    return ConfigError("configuration", one_line(text) or type(error).__name__, f"what --help lists, as {FORM}")


def _composition(cause: OmegaConfBaseException, catalog: Catalog) -> ConfigError:
    found = complaint(cause)
    if found.key in catalog.groups():
        return ConfigError(found.key, "a choice that is not there", choices(catalog.names(found.key), ""))
    return found


def _missing(error: MissingConfigException, catalog: Catalog) -> ConfigError:
    named = re.search(r"Could not (?:find|load) '(.*?)'", str(error))
    path = named[1] if named else str(error.missing_cfg_file)
    group, _, name = path.rpartition("/")
    listed = re.search(r"Available options in '.*?':\n((?:\t.*\n)*)", str(error))
    names = listed[1].split() if listed else catalog.names(group)
    return ConfigError(group or "config", repr(name), choices(names, name))


def _first_line(text: str) -> str:
    lines = [
        line.strip() for line in text.splitlines() if line.strip() and not line.startswith("Error parsing override")
    ]
    return lines[0] if lines else text
