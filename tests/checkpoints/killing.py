"""Kills or stops the process that it is armed in, before or after what that does to its files and its store.

A folder that a run is started in has a plugin of Hydra's, which Hydra imports as it begins; that arms the process by
what a file beside it says.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

PLUGIN = "from pathlib import Path\nfrom tests.checkpoints.killing import arm\narm(Path(__file__).parents[1])\n"
ORDER, COUNT = "kill.json", "moments.json"


def furnish(folder: Path, at: int, how: signal.Signals = signal.SIGKILL) -> None:
    """Has the next runs in ``folder`` get a signal at their moment number ``at``, from 1; at 0 none."""
    plugin = folder / "hydra_plugins" / "armed.py"
    plugin.parent.mkdir(exist_ok=True)
    plugin.write_text(PLUGIN, encoding="utf-8")
    (folder / ORDER).write_text(json.dumps([at, how]), encoding="utf-8")


def moments(folder: Path) -> list[str]:
    """What the moments were of the last run in ``folder`` that was not killed."""
    found: list[str] = json.loads((folder / COUNT).read_text(encoding="utf-8"))
    return found


def arm(folder: Path) -> None:
    """What the plugin calls."""
    from mlflow import MlflowClient

    from runner.records.recorder import RunRecorder

    (at, how), seen = json.loads((folder / ORDER).read_text(encoding="utf-8")), []

    def moment(name: str) -> None:
        seen.append(name)
        if len(seen) == at:
            os.kill(os.getpid(), how)

    def watch(owner: Any, name: str) -> None:
        real: Callable[..., Any] = getattr(owner, name)

        @wraps(real)
        def watched(*args: Any, **kwargs: Any) -> Any:
            what = f"{name} {args[0].name}" if isinstance(args[0], Path) else name
            moment(f"before {what}")
            found = real(*args, **kwargs)
            moment(f"after {what}")
            return found

        setattr(owner, name, watched)

    for name in ("create_run", "update_run", "set_tag", "log_batch", "log_artifact", "set_terminated"):
        watch(MlflowClient, name)
    for owner, name in ((Path, "replace"), (Path, "unlink"), (shutil, "rmtree"), (os, "fsync")):
        watch(owner, name)
    watch(RunRecorder, "progress")
    atexit.register(lambda: (folder / COUNT).write_text(json.dumps(seen), encoding="utf-8"))
