"""What docs/scale/checkpoints.md says is done: a run killed outright from a shell, and gone on with."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tests.checkpoints.left import left, tag
from tests.cli.process import environment, finish, run
from tests.sharing import furnish

PAGE = Path(__file__).parents[2] / "docs" / "scale" / "checkpoints.md"


def test_the_run_of_the_page_is_killed_and_leaves_what_one_leaves_that_went_through(
    tmp_path: Path, migrated: Path
) -> None:
    (block,) = re.findall(r"```console\n(.*?)```\n\n    ([^\n]+)\n", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    text, line = block
    place = tmp_path / "place"
    furnish(place, migrated)
    done = finish(place, ["/bin/sh", "-c", text], environment(PATH=f"{Path(sys.executable).parent}:/usr/bin:/bin"))
    assert done.code == 0, done.err
    assert re.search(rf"^{line} \d+00 of them are done$", done.out, re.MULTILINE)
    assert tag(place, "long", "resumed") == ["1"]
    words = re.findall(r"data\S+|record\S+", text.splitlines()[0])
    assert run(place, *words, "hydra.run.dir=through").code == 0
    assert left(place, "long").metrics == left(place, "through").metrics
    assert left(place, "long").files == left(place, "through").files
