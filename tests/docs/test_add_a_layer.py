"""What docs/add_a_layer.md says is done to the letter: its files written, its commands typed, its output seen."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs.typed import typed
from tests.sharing import furnish

PAGE = Path(__file__).parents[2] / "docs" / "add_a_layer.md"
BLOCK = re.compile(r"```(?P<kind>python|yaml|console)\n(?P<text>.*?)```(?P<after>(?:\n+(?:    [^\n]+\n)+)?)", re.DOTALL)


def test_the_layer_of_the_page_is_added_by_following_it(tmp_path: Path, migrated: Path) -> None:
    furnish(tmp_path, migrated)
    codes = []
    for block in BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        if block["kind"] == "console":
            done = typed(tmp_path, block["text"])
            for line in block["after"].strip().splitlines():
                assert line.strip() in done.out, done.out + done.err
            codes.append(done.code)
        else:
            file = tmp_path / block["text"].splitlines()[0].removeprefix("# ")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block["text"], encoding="utf-8")
    assert codes == [0, 0, 1]
    assert (tmp_path / "swiglu.py").is_file()
    assert not (tmp_path / "runner").exists()
