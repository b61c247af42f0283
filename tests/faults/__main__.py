"""`python -m tests.faults`: every fault on the command line; `--write FILE`: the document on them."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.faults.command_line import Seen, groups, sweep
from tests.faults.library import EVERY, FAULTS, LOSSY


def main() -> int:
    """1 if a fault is not found where it begins, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--write", metavar="FILE", type=Path, help="write the document on the faults, and run nothing")
    path: Path | None = parser.parse_args().write
    if path is None:
        return run_all()
    import torch

    from tests.faults.document import document, line_of

    torch.set_num_threads(1)
    lines = {fault.name: line_of(fault)[0] for fault in EVERY}
    path.write_text(document(lines), encoding="utf-8")
    return 0


def run_all() -> int:
    """All faults, those under the same overrides in one sweep, a line each as they come."""
    faults = [*FAULTS, *LOSSY]
    seen: list[Seen] = []
    for number, group in enumerate(groups(faults)):
        with tempfile.TemporaryDirectory() as folder:
            for one in sweep(group, Path(folder) / str(number)):
                seen.append(one)
                print(one, flush=True)
    found, named = sum(one.found for one in seen), sum(one.named for one in seen)
    print(f"\n{found} of {len(faults)} found, the cause of {named} as it is expected")
    return int(found < len(faults))


if __name__ == "__main__":
    sys.exit(main())
