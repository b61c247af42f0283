"""Hydra's errors, which span lines and bury the key, as one line: the key, what it got, what is allowed."""

from __future__ import annotations

import errno
import io
import re
import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path

import yaml
from hydra._internal.utils import get_args_parser
from hydra.errors import MissingConfigException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError, YAMLError

from runner.catalog import Catalog
from runner.complaints import complaint
from runner.config import Config
from runner.errors import ConfigError, choices, one_line, shortened
from runner.help import COMMAND_NAMES
from runner.paths import CONF

UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)
EXTRAS = {"joblib": "joblib", "ray": "ray", "submitit_local": "slurm", "submitit_slurm": "slurm", "optuna": "optuna"}
"""Launchers and sweepers of others, and the extra of this project that installs each."""
FORM = "KEY=VALUE, GROUP=CHOICE, +KEY=VALUE to add, ~KEY to remove"


def parse_flags(argv: list[str]) -> Namespace:
    """The flags as Hydra will see them.

    Raises:
        ConfigError: A flag is unknown or wrong.
    """
    parser: ArgumentParser = get_args_parser()

    def refuse(message: str) -> None:
        raise ConfigError("command line", message, "the flags that --help lists")

    parser.error = refuse  # type: ignore[method-assign,assignment]
    flags: Namespace = parser.parse_args(argv)
    if flags.config_path is not None and not Path(flags.config_path).is_dir():
        raise ConfigError("--config-path", flags.config_path, "a folder in place of the program's own conf")
    folder = flags.config_dir
    if folder is not None and not Path(folder).is_dir():
        raise ConfigError("--config-dir", folder, "a folder with YAML files in folders named like the groups")
    return flags


def check_own_names(flags: Namespace) -> None:
    """Hydra would pass over a user's choice that bears the name of one of ours, in silence.

    Raises:
        ConfigError: There is one.
    """
    if flags.config_dir:
        own = Path(flags.config_dir)
        taken = [file for file in sorted(own.rglob("*.yaml")) if (CONF / file.relative_to(own)).is_file()]
        if taken:
            key = "--config-dir" if taken[0].parent == own else taken[0].parent.name
            raise ConfigError(key, taken[0], "choices under names that the program does not use itself")


@contextmanager
def searching() -> Iterator[None]:
    """Hydra warns of a folder to search that is not there, and goes on without it: that is an error instead."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "provider=.* is not available", UserWarning)
        yield


@contextmanager
def one_voice(flags: Namespace) -> Iterator[None]:
    """``--cfg job --package NODE`` of a node that is not there exits after a word of Hydra's own: ours instead.

    Raises:
        ConfigError: There is no such node.
    """
    if not flags.package:
        yield
        return
    try:
        with redirect_stderr(io.StringIO()):
            yield
    except SystemExit as end:
        if end.code:
            raise ConfigError("--package", flags.package, "a node of the configuration, e.g. data") from end
        raise


def is_unwritable(error: Exception) -> bool:
    """Whether the disk refused, be it full or read-only: no fault of the configuration."""
    return isinstance(error, OSError) and error.errno in UNWRITABLE


def translate(error: Exception, argv: list[str], catalog: Catalog) -> ConfigError:
    """What is wrong with the configuration, given what Hydra raised while it composed it."""
    if isinstance(error, ConfigError):
        return error
    if isinstance(error, MissingConfigException):
        return _missing(error, catalog)
    if isinstance(error, RecursionError):
        return _endless(argv, catalog)
    if isinstance(error, UserWarning):  # of Hydra, about a folder to search that is not there
        return ConfigError("hydra.searchpath", one_line(str(error)), "folders that are there, as [file://FOLDER]")
    typed = [word for word in argv if word.startswith(("hydra.run.", "hydra.sweep."))]
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG and not typed:
        return ConfigError("command line", shortened(max(argv, key=len, default="")), FORM)
    if isinstance(error, OSError) and error.errno is not None:
        key = "hydra.sweep.dir" if {"-m", "--multirun"} & set(argv) else "hydra.run.dir"
        return ConfigError(key, f"{error.filename} ({error.strerror})", "a folder that can be made")
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        where = f"{error.problem} in line {error.problem_mark.line + 1}"
        return ConfigError(error.problem_mark.name, where, "a YAML file of keys and values")
    if isinstance(error, OSError | UnicodeError | YAMLError):
        return _broken_file(error, argv, catalog)
    for cause in (error, error.__cause__, error.__context__):
        if isinstance(cause, OmegaConfBaseException):
            return _composition(cause, argv, catalog)
    text = str(error).split("\nSee https")[0]
    if isinstance(error, OverrideParseException):
        return _unreadable(error.override, text)
    ambiguous = re.search(r"Ambiguous value for argument '([^=]*)=(.*)'", text)
    if ambiguous:
        return ConfigError(ambiguous[1], ambiguous[2], "one value, or [a,b] for a list, or -m before it for a sweep")
    sweep = re.search(r"Sweep parameters '([^=]*)=(.*)' requires", text)
    if sweep:
        return ConfigError(sweep[1], sweep[2], "one value, or -m before it for a sweep")
    chosen = [word.lstrip("+").partition("=")[::2] for word in argv]
    groups = [(key, got) for key, got in chosen if key in catalog.groups() or key.startswith("hydra/")]
    wrong = [(key, got) for key, got in groups if not _is_choice(got)]
    if "Config group override must be" in text and wrong:
        key, got = wrong[0]
        return ConfigError(key, got, choices(catalog.names(key), ""))
    return ConfigError("configuration", one_line(text) or type(error).__name__, f"what --help lists, as {FORM}")


def _unreadable(override: str, text: str) -> ConfigError:
    """What is wrong with an override that is none, given the parser's ``text`` on it.

    Of a bare word that says nothing: it is a misspelt command, or a key without a value.
    """
    if re.fullmatch(r"[\w.-]+", override):
        commands = choices([*COMMAND_NAMES, "--help"], override)
        return ConfigError("command line", repr(override), f"{FORM}; or, as the first word, {commands}")
    return ConfigError("command line", repr(override), f"{FORM} ({_first_line(text)})")


def _composition(cause: OmegaConfBaseException, argv: list[str], catalog: Catalog) -> ConfigError:
    found = complaint(cause, Config)
    if found.key == "None":
        guilty = [word.partition("=")[0] for word in argv if "${" in word]
        return ConfigError(guilty[0] if guilty else "configuration", found.got, found.allowed)
    if found.key in catalog.groups():
        return ConfigError(found.key, "a choice that is not there", choices(catalog.names(found.key), ""))
    typed = {key: value for key, _, value in (word.partition("=") for word in argv)}
    if found.key == "lr" and typed.get("lr", "").startswith("["):
        return ConfigError("lr", found.got, f"{found.allowed}; lrs=[LR,LR,...] takes several")
    if found.key == "lrs":  # OmegaConf names the type of what is no list, and not the value
        return ConfigError("lrs", typed.get("lrs", found.got), found.allowed)
    return found


def _broken_file(error: Exception, argv: list[str], catalog: Catalog) -> ConfigError:
    """Which of the configuration's files cannot be read as a mapping; those that the command line names come first."""
    files = [file for folder in catalog.folders for file in sorted(folder.rglob("*.yaml"))]
    for file in sorted(files, key=lambda file: all(file.stem not in word for word in argv)):
        try:
            problem = (
                None if isinstance(yaml.safe_load(file.read_text(encoding="utf-8")), dict | None) else "no mapping"
            )
        except (OSError, UnicodeError, YAMLError) as found:
            problem = str(found)
        if problem is not None:
            group = "config" if file.parent in catalog.folders else file.parent.name
            return ConfigError(group, f"{file} ({problem})", "a YAML file of keys and values")
    return ConfigError("configuration", str(error), "YAML files of keys and values")


def _is_choice(text: str) -> bool:
    """Whether it is a name, or a list."""
    try:
        return isinstance(yaml.safe_load(text), str | list)
    except (YAMLError, ValueError):
        return False


def _endless(argv: list[str], catalog: Catalog) -> ConfigError:
    """What includes itself, or is nested deeper than Python goes: a file that the command line names, or a word."""
    named = {word.partition("=")[2] for word in argv}
    files = [file for folder in catalog.folders[:-1] for file in sorted(folder.rglob("*.yaml")) if file.stem in named]
    if files:
        got = f"{files[0]}, which includes itself or is nested too deeply"
        return ConfigError(files[0].parent.name, got, "a YAML file of keys and values")
    return ConfigError("command line", f"{shortened(max(argv, key=len, default=''))}, nested too deeply", FORM)


def _missing(error: MissingConfigException, catalog: Catalog) -> ConfigError:
    named = re.search(r"Could not (?:find|load) '(.*?)'", str(error))
    path = named[1] if named else str(error.missing_cfg_file)
    group, _, name = path.rpartition("/")
    if ".." in group:
        return ConfigError("--config-name", path, choices(catalog.names(""), name))
    listed = re.search(r"Available options in '.*?':\n((?:\t.*\n)*)", str(error))
    names = listed[1].split() if listed else catalog.names(group)
    if group in ("hydra/launcher", "hydra/sweeper") and name in EXTRAS:
        install = f"pip install -c constraints.txt -e '.[{EXTRAS[name]}]'"
        return ConfigError(group, repr(name), f"{choices(names, '')}; and {name} after {install}")
    return ConfigError(group or "config", repr(name), choices(names, name))


def _first_line(text: str) -> str:
    lines = [
        line.strip() for line in text.splitlines() if line.strip() and not line.startswith("Error parsing override")
    ]
    return lines[0] if lines else text
