"""A Slurm of one node on this machine, in a folder of its own: munged, slurmctld and slurmd, on free ports.

`python -m tests.engines.slurm FOLDER` starts it, prints what to export, and ends it at Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.ports import free_ports

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "sinfo")
SAFETY = 60.0
"""Seconds after which what does not come up is given up."""

CONF = """\
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str | None:
    """Why Slurm cannot be started here; None where it can."""
    if os.name != "posix" or os.geteuid() != 0:
        return "Slurm's daemons are started by root alone"
    missing = [name for name in PROGRAMS if _found(name) is None]
    return f"{', '.join(missing)} not installed (Debian: slurm-wlm, munge)" if missing else None


@contextmanager
def one_node(folder: Path) -> Iterator[dict[str, str]]:
    """A node that takes jobs; the environment in which Slurm's commands find it."""
    for name in ("munge", "state", "spool"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o755)
    (folder / "munge").chmod(0o711)
    key = folder / "munge" / "key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o400)
    ports = free_ports(2)
    settings = {"host": socket.gethostname().partition(".")[0], "folder": folder, "cpus": os.cpu_count()}
    conf = folder / "slurm.conf"
    conf.write_text(CONF.format(**settings, controller=ports[0], node=ports[1]), encoding="utf-8")
    env = {"SLURM_CONF": str(conf)}
    munged = ["munged", "--foreground", "--force", f"--key-file={key}", f"--socket={folder}/munge/socket"]
    munged += [f"--{name}-file={folder}/munge/{name}" for name in ("pid", "seed", "log")]
    with ExitStack() as running:
        for words in (munged, ["slurmctld", "-D", "-f", str(conf)], ["slurmd", "-D", "-f", str(conf)]):
            running.enter_context(_daemon(words, folder / f"{words[0]}.out", env))
            if words is munged:
                _wait(folder, lambda: (folder / "munge" / "socket").exists())
        _wait(folder, lambda: "idle" in _told(["sinfo", "-h", "-o", "%T"], env))
        yield env


@contextmanager
def _daemon(words: Sequence[str], out: Path, env: Mapping[str, str]) -> Iterator[None]:
    program = _found(words[0])
    assert program is not None
    with out.open("wb") as file:
        process = subprocess.Popen(
            [program, *words[1:]], env={**os.environ, **env}, stdin=subprocess.DEVNULL, stdout=file, stderr=file
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(folder: Path, ready: object) -> None:
    assert callable(ready)
    end = time.monotonic() + SAFETY
    while not ready():
        if time.monotonic() > end:
            said = "\n".join(file.read_text(errors="replace")[-2000:] for file in sorted(folder.glob("*.out")))
            raise TimeoutError(f"Slurm does not come up:\n{said}")
        time.sleep(0.1)


def _told(words: Sequence[str], env: Mapping[str, str]) -> str:
    done = subprocess.run(words, env={**os.environ, **env}, capture_output=True, text=True, timeout=SAFETY, check=False)
    return done.stdout


def _found(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with one_node(Path(sys.argv[1]).absolute()) as to_export:
        print(*(f"export {name}={value}" for name, value in to_export.items()), sep="\n", flush=True)
        try:
            time.sleep(1e9)
        except KeyboardInterrupt:
            print("ended")
