"""environment.json: what a run was computed with."""

from __future__ import annotations

import getpass
import hashlib
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from runner import __version__
from runner.backends.base import BackendChoice
from runner.paths import PACKAGE

HOST = "host"
"""The tag that names the machine, whose processes cannot be seen from another."""
PACKAGES = ("hydra-core", "ml_dtypes", "mlflow", "numpy", "omegaconf", "pandas", "safetensors", "torch")


def environment(threads: int, files: Sequence[Path]) -> dict[str, Any]:
    """Versions, CPU, threads, BLAS, the user's own files, and the commit if the program runs from a repository."""
    hashes = {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    begin, end = _of_process()
    return {**begin, "threads": threads, **end, "files": hashes, "commit": _commit()}


@cache
def _of_process() -> tuple[dict[str, Any], dict[str, Any]]:
    """What all of its runs have in common, before and after the threads: row short_jobs of the benchmark."""
    begin = {"runner": __version__, "python": sys.version.split()[0], "platform": platform.platform(), "cpu": _cpu()}
    return begin, {"blas": _blas(), "packages": {name: version(name) for name in PACKAGES}}


def devices_of(backends: Mapping[str, BackendChoice]) -> dict[str, Any]:
    """What backends compute on besides the CPU, under ``devices`` and their names; nothing where none does."""
    found = {name: choice.computes_on() for name, choice in backends.items()}
    told = {name: known for name, known in found.items() if known}
    return {"devices": told} if told else {}


def environment_tags(found: Mapping[str, Any]) -> dict[str, str]:
    """What a run was computed with, as tags to search for: versions, CPU, user, commit."""
    versions = {"python": found["python"], "runner": found["runner"], **found["packages"]}
    tags = {f"version.{name}": value for name, value in versions.items()}
    tags |= {HOST: platform.node(), "host.cpu": found["cpu"], "mlflow.user": _user()}
    return tags | ({"mlflow.source.git.commit": found["commit"]} if found["commit"] else {})


def _blas() -> list[str]:
    """What NumPy multiplies matrices with: library, version and the kernels it has chosen for this CPU.

    Others that are loaded, scipy's and torch's, come or not as something imports them; their packages' versions tell.
    """
    found = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    own = [pool for pool in found if Path(pool["filepath"]).parent.name == "numpy.libs"] or found
    keys = ("internal_api", "version", "architecture")
    return sorted({" ".join(str(pool[key]) for key in keys if pool.get(key)) for pool in own})


def _user() -> str:
    """Who runs it, as MLflow itself would say."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may know the user by number alone
        return "unknown"


def _cpu() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


@cache
def _commit() -> str | None:
    """That of the code that this process has imported: what is committed while it runs is another."""
    git = shutil.which("git")
    if git is None or not (PACKAGE.parent / ".git").exists():
        return None
    found = subprocess.run([git, "rev-parse", "HEAD"], cwd=PACKAGE, capture_output=True, text=True, check=False)
    return found.stdout.strip() or None
