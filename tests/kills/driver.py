"""The program, which kills itself: at a call that changes the disk or the store, or after some time.

KILL_AT="NAME NUMBER before|after" names a call; KILL_AFTER the seconds; COUNT_TO a file into which each call's name is
written. Whatever the process is in the midst of, it has no chance to end anything.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlflow import MlflowClient

from runner.__main__ import main

STORE = ("create_run", "update_run", "log_batch", "log_inputs", "log_artifact", "set_terminated")
DISK = ("replace", "unlink")

counted: Counter[str] = Counter()


def watched(name: str, call: Callable[..., Any], wanted: str, into: Path | None) -> Callable[..., Any]:
    def instead(*args: Any, **more: Any) -> Any:
        if name == "unlink" and not os.path.lexists(args[0]):  # which changes nothing
            return call(*args, **more)
        counted[name] += 1
        if into is not None:
            with into.open("a", encoding="utf-8") as file:
                file.write(f"{name} {counted[name]}\n")
        point = f"{name} {counted[name]}"
        if wanted == f"{point} before":
            os.kill(os.getpid(), signal.SIGKILL)
        made = call(*args, **more)
        if wanted == f"{point} after":
            os.kill(os.getpid(), signal.SIGKILL)
        return made

    return instead


def arm() -> None:
    wanted, into = os.environ.pop("KILL_AT", ""), os.environ.pop("COUNT_TO", "")
    seconds = float(os.environ.pop("KILL_AFTER", "0"))
    for owner, names in ((MlflowClient, STORE), (os, DISK)):
        for name in names:
            setattr(owner, name, watched(name, getattr(owner, name), wanted, Path(into) if into else None))
    if seconds:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # the kernel ends the process then, as by SIGKILL
        signal.setitimer(signal.ITIMER_REAL, seconds)


if __name__ == "__main__":
    arm()
    main()
