"""A real ``mlflow server``, as docs/scale/server.md sets it up, on a free port of loopback."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tests.cli.process import environment
from tests.ports import free_port

from .postgres import SAFETY


@contextmanager
def tracking(folder: Path, store: str, env: Mapping[str, str], *options: str, port: int | None = None) -> Iterator[str]:
    """The address of a server of ``store`` with its artifacts in ``folder``, once it answers.

    By default the ``port`` is a free one. It and its workers are a group of processes, by whose id they are ended.
    """
    folder.mkdir(exist_ok=True)
    port = free_port() if port is None else port
    words = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", store, "--serve-artifacts"]
    words += ["--artifacts-destination", str(folder / "artifacts"), "--host", "127.0.0.1", "--port", str(port)]
    log = folder / "server.log"
    with log.open("wb") as told:
        process = subprocess.Popen(
            [*words, *options],
            cwd=folder,
            env=environment(**{"MLFLOW_DISABLE_TELEMETRY": "true", **env}),
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + SAFETY
        while not _answers(f"{address}/health"):
            assert process.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
            time.sleep(0.2)
        yield address
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(SAFETY)


def small(folder: Path, migrated: Path, port: int | None = None) -> AbstractContextManager[str]:
    """One with a single worker and a copy of the store ``migrated`` in ``folder``; a later one there has the same."""
    folder.mkdir(exist_ok=True)
    store = folder / "server.db"
    if not store.exists():
        shutil.copy(migrated, store)
    return tracking(folder, f"sqlite:///{store}", {}, "--workers", "1", port=port)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as reply:
            return bool(reply.status == 200)
    except (URLError, OSError):
        return False
