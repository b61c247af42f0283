"""`python -m benchmarks.gallery [NUMBER ...]`: makes docs/gallery, or those of its items that are named."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.gallery.items import ITEMS
from benchmarks.gallery.making import make
from benchmarks.gallery.section import NotSo

DOCS = Path("docs", "gallery")


def main(arguments: list[str]) -> int:
    """Makes the items with these numbers, from 1, or all; 1 if one of them does not show what is said of it."""
    allowed = [str(k) for k in range(1, len(ITEMS) + 1)]
    if wrong := [a for a in arguments if a not in allowed]:
        print(f"there is no item {wrong[0]}; there are 1 to {len(ITEMS)}", file=sys.stderr)
        return 2
    failed = 0
    for number in arguments or allowed:
        item = ITEMS[int(number) - 1]
        print(f"{number} {item.heading}\n  {item.command}", flush=True)
        try:
            print(f"  {make(item, ITEMS, Path(), DOCS).sentence}", flush=True)
        except NotSo as error:
            print(f"{item.name}: {error}", file=sys.stderr)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
