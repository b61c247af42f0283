"""The program with less patience: ``python -m tests.stores_that_fail.impatient SECONDS WORDS...``."""

from __future__ import annotations

import sys

from runner.__main__ import main
from runner.records import reaching

if __name__ == "__main__":
    reaching.DEADLINE = float(sys.argv.pop(1))
    reaching.KNOWN_AWAY = min(reaching.KNOWN_AWAY, reaching.DEADLINE)
    main()
