"""A recorded run's setup, made anew of what lies in its folder."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf

from runner.assemble import Setup, assemble
from runner.catalog import Catalog
from runner.checks import check_name
from runner.commands.trust import check_own, check_plain
from runner.config import resolved
from runner.errors import ConfigError
from runner.paths import CONF
from runner.records.reading import RecordedRun
from runner.user_code import file_of


def reassembled(run: RecordedRun, label: str, scratch: Path, trusted: bool) -> tuple[Setup, list[str]]:
    """The setup, and a line for each file of the user's own that is taken from the run folder.

    ``label`` is what the run is called. ``scratch`` is a folder that lasts as long as the setup is used: copies of
    these files are run there. Only of a run that is ``trusted`` is code run that is not the program's own.

    Raises:
        ConfigError: The configuration cannot be assembled any more: a file is gone, a key is unknown by now; or it
            names code that is not to be run.
    """
    if not trusted:
        check_own(run.config, label)
    nodes, told = _with_kept_files(run, scratch)
    setup = _assembled(run, label, nodes)
    if list(setup.backends) != run.backends:
        got = f"a run of {', '.join(run.backends)}, which a Python program handed over"
        raise ConfigError("RUN", got, "a run of backends that its configuration describes")
    return setup, told


def reassembled_network(run: RecordedRun, label: str, trusted: bool) -> Setup:
    """The setup but for the backends, for which the program's own stand: all that is drawn of the network.

    Raises:
        ConfigError: As above; or the network is a module of the user's own, of which nothing is known without it.
    """
    if not trusted:
        check_own({key: node for key, node in run.config.items() if key != "backend"}, label)
    setup = _assembled(run, label, {name: _today("backend", name) for name in ("scratch", "torch")})
    if list(setup.problem.network.parameters) != run.parameter_names:
        raise ConfigError("RUN", f"{label}, whose network is a module of one's own", "a network of layers")
    return setup


def _assembled(run: RecordedRun, label: str, backends: dict[str, Any]) -> Setup:
    record = {**_today("record", "default"), **run.config["record"], "published": None}
    own = {"replicas": 1, "lrs": None, **run.config, "backend": backends, "record": record, "resume": False}
    config = {**own, "checkpoint": _today("checkpoint", "default"), "tracking": _today("tracking", "sqlite")}
    try:
        check_plain(config)
        return assemble(resolved(OmegaConf.create(config)), Catalog())
    except ConfigError as error:
        raise ConfigError(error.key, f"{error.got}, in config.yaml of {label}", error.allowed) from error


def _today(group: str, choice: str) -> dict[str, Any]:
    """What bears on no number may have other keys by now."""
    found: dict[str, Any] = yaml.safe_load((CONF / group / f"{choice}.yaml").read_text(encoding="utf-8"))
    return found


def _with_kept_files(run: RecordedRun, scratch: Path) -> tuple[dict[str, Any], list[str]]:
    """The nodes of the backends, with the copy of a file where the file is gone or is another by now."""
    nodes, told = {}, []
    for name, node in run.config["backend"].items():
        check_name(f"backend.{name}", str(name))
        if not isinstance(name, str):
            raise ConfigError("backend", name, "names that are texts")
        nodes[name] = node
        path = str(node.get("path", "")) if isinstance(node, dict) else ""
        for file in file_of(path):
            copy = run.folder / "files" / name / file.name
            now, then = _digest(file), run.environment["files"].get(str(file))
            if then is not None and now != then and copy.is_file():
                taken = scratch / name / file.name
                taken.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(copy, taken)
                nodes[name] = {**node, "path": f"{taken}:{path.rpartition(':')[2]}"}
                kept = copy.relative_to(run.folder)
                told.append(f"{file} {'is gone' if now is None else 'has changed'}: taken is {kept} of the run folder")
    return nodes, told


def _digest(file: Path) -> str | None:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None
