"""A Ray cluster of two nodes on this machine, each started in a folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.cli.process import environment
from tests.ports import free_ports

SAFETY = 120.0
"""Seconds after which a node that does not come up is given up."""
MEMORY = 80_000_000
"""Bytes of each node's object store, near the least that Ray takes."""


def ray_environment() -> dict[str, str]:
    """A token that the nodes and the sweep share: without one Ray writes its own into the home folder."""
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0123456789abcdef" * 2, "RAY_USAGE_STATS_ENABLED": "0"}


@contextmanager
def two_nodes(folder: Path) -> Iterator[dict[str, str]]:
    """A cluster; the environment in which a sweep finds it. ``folder`` has a short path: sockets lie in it."""
    port, client = free_ports(2)
    head = ["--head", f"--port={port}", f"--ray-client-server-port={client}", f"--temp-dir={folder}"]
    with ExitStack() as running:
        for name, words in (("head", [*head, "--include-dashboard=false"]), ("other", [f"--address=127.0.0.1:{port}"])):
            (folder / name).mkdir()
            running.enter_context(_node(folder / name, words))
        yield {**ray_environment(), "RAY_ADDRESS": f"127.0.0.1:{port}"}


@contextmanager
def _node(folder: Path, words: Sequence[str]) -> Iterator[None]:
    alike = ["--node-ip-address=127.0.0.1", "--num-cpus=1", f"--object-store-memory={MEMORY}", "--disable-usage-stats"]
    out = folder / "out"
    with out.open("wb") as file:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("ray"), "start", *words, *alike, "--block"],
            cwd=folder,
            env=environment(**ray_environment()),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        end = time.monotonic() + SAFETY
        while "Ray runtime started" not in out.read_text(encoding="utf-8", errors="replace"):
            assert process.poll() is None, out.read_text(encoding="utf-8", errors="replace")
            assert time.monotonic() < end, out.read_text(encoding="utf-8", errors="replace")
            time.sleep(0.1)
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # the node and all that it has started
        process.wait()
