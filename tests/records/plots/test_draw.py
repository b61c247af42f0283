"""All plots of a run: which files there are, what they hold, and that every text is whole."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from runner.records.plots import PLOTS, draw_plots, figure_of
from runner.records.plots.drawing import drawing
from runner.records.plots.style import DPI, WIDTH

from .conftest import Drawn, Recorded
from .looking import (
    CLASSES,
    DEEP,
    DEFAULT,
    DIVERGED,
    GIVEN,
    NEGATIVE,
    NO_RECORDS,
    ONE_STEP,
    PARTED,
    REGIONS,
    SEVERAL,
    WRONG,
)

RECORDS = ["loss", "deviations", "heat_map", "roundings", "gradient_norms", "trajectories"]

APPLY = {
    DEFAULT: [*RECORDS, "function"],
    WRONG: [*RECORDS, "function"],
    SEVERAL: [*RECORDS, "function"],
    CLASSES: [*RECORDS, "confusion", "function"],
    GIVEN: ["loss", "deviations", "heat_map", "roundings", "gradient_norms", "confusion", "function"],
    REGIONS: [*RECORDS, "confusion", "function"],
    PARTED: [*RECORDS, "drift", "function"],
    DIVERGED: [*RECORDS, "function"],
    ONE_STEP: ["loss", "deviations", "heat_map", "roundings", "gradient_norms", "function"],
    NEGATIVE: [*RECORDS, "confusion"],
    DEEP: [*RECORDS, "function"],
    NO_RECORDS: ["loss", "deviations", "function"],
}


def figures(drawn: Drawn) -> dict[str, Figure]:
    with drawing():
        made = {name: figure_of(name, drawn.run, drawn.setup) for name in PLOTS}
    return {name: figure for name, figure in made.items() if figure is not None}


@pytest.mark.parametrize("overrides", APPLY, ids=lambda overrides: overrides[0])
def test_there_is_a_plot_of_what_there_is_to_show_and_nothing_is_cut_off_or_covers_another(
    recorded: Recorded, overrides: tuple[str, ...]
) -> None:
    found = figures(recorded(*overrides))
    assert sorted(found) == sorted(APPLY[overrides])
    with drawing(), warnings.catch_warnings():
        warnings.simplefilter("error")  # of a layout that has no room, of a text that has no letters
        for name, figure in found.items():
            canvas = FigureCanvasAgg(figure)
            canvas.draw()  # type: ignore[no-untyped-call]
            renderer = canvas.get_renderer()  # type: ignore[no-untyped-call]
            page = figure.bbox.padded(1.0)
            boxes = [axes.title.get_window_extent(renderer) for axes in figure.axes if axes.get_title()]
            boxes += [text.get_window_extent(renderer) for text in figure.texts if text.get_text()]
            boxes += [legend.get_window_extent(renderer) for legend in figure.legends]
            boxes += [box for axes in figure.axes if (box := axes.get_tightbbox(renderer)) is not None]
            for box in boxes:
                assert page.x0 <= box.x0, (name, box)
                assert box.x1 <= page.x1, (name, box)
                assert page.y0 <= box.y0, (name, box)
                assert box.y1 <= page.y1, (name, box)
            apart = [*figure.texts, *figure.legends]
            for i, one in enumerate(apart):
                for other in apart[i + 1 :]:
                    assert not one.get_window_extent(renderer).overlaps(other.get_window_extent(renderer)), name


def test_the_files_are_small_pictures_and_the_same_each_time(copied: Recorded) -> None:
    drawn = copied(*DEFAULT)
    files, _ = draw_plots(drawn.run, drawn.setup, svg=False)
    assert sorted(file.name for file in files) == sorted(f"{name}.png" for name in APPLY[DEFAULT])
    assert sorted(files) == sorted((drawn.run.folder / "plots").iterdir())
    for file in files:
        with Image.open(file) as picture:
            assert picture.width == WIDTH * DPI
            assert len(set(np.asarray(picture.convert("L")).ravel().tolist())) > 10, "a picture with nothing on it"
        assert file.stat().st_size < 200_000
    before = {file: file.read_bytes() for file in files}
    draw_plots(drawn.run, drawn.setup, svg=False)
    assert {file: file.read_bytes() for file in files} == before


def test_what_does_not_apply_any_more_is_removed_and_nothing_else(copied: Recorded) -> None:
    drawn = copied(*NO_RECORDS)
    folder = drawn.run.folder / "plots"
    folder.mkdir(exist_ok=True)
    own, stale = folder / "mine.png", [folder / f"{name}.{kind}" for name in PLOTS for kind in ("png", "svg")]
    for file in (own, *stale):
        file.write_bytes(b"old")
    files, _ = draw_plots(drawn.run, None, svg=False)
    assert sorted(file.name for file in files) == ["deviations.png", "loss.png"]
    assert sorted(folder.iterdir()) == sorted([own, *files])


def test_svg_is_drawn_beside_if_asked_for_and_names_are_no_formulas(copied: Recorded) -> None:
    drawn = copied(*NO_RECORDS)
    renamed = r"a$\nonsense$b_c^d %"  # taken for a formula it would be refused
    drawn.run.deviations["backend"] = renamed
    drawn.run.verdict["backends"][0] = renamed
    files, _ = draw_plots(drawn.run, None, svg=True)
    assert sorted(file.name for file in files) == ["deviations.png", "deviations.svg", "loss.png", "loss.svg"]
    text = next(file for file in files if file.name == "loss.svg").read_text(encoding="utf-8")
    assert f"<!-- {renamed} -->" in text  # what matplotlib says of the letters that it has drawn


def test_pyplot_is_not_imported(recorded: Recorded) -> None:
    code = (
        "import sys; from pathlib import Path; from runner.records.reading import read_run;"
        "from runner.records.plots import draw_plots; draw_plots(read_run(Path(sys.argv[1])), None, True);"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    folder = recorded(*NO_RECORDS).run.folder
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True)


def test_a_fault_in_one_plot_leaves_the_others_and_no_older_file_in_its_place(copied: Recorded) -> None:
    drawn = copied(*DEFAULT)
    assert drawn.run.trajectories is not None
    drawn.run.__dict__["trajectories"] = {**drawn.run.trajectories, "input_layer.bias": np.zeros((3, 7))}
    files, faults = draw_plots(drawn.run, drawn.setup, svg=False)
    assert [fault.name for fault in faults] == ["plots/trajectories.png"]
    left = [name for name in APPLY[DEFAULT] if name != "trajectories"]
    assert sorted(file.stem for file in files) == sorted(left)
    assert sorted(files) == sorted((drawn.run.folder / "plots").iterdir())
