"""A launcher with two workers of joblib's, whose jobs wait in the current folder for a file: to be killed.

python -m tests.engines.orphans
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from joblib import Parallel, delayed

from runner.launching.workers import working


def work(number: int) -> None:
    with working():
        Path(f"{number}.begun").write_text(str(os.getpid()), encoding="utf-8")
        while not Path("go").exists():
            time.sleep(0.02)
        Path(f"{number}.ended").touch()


if __name__ == "__main__":
    from tests.engines.orphans import work as job  # so that a worker imports it by its name

    Parallel(n_jobs=2)(delayed(job)(number) for number in range(2))
