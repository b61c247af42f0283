"""report.html opened from the disk: it needs nothing else, sorts, is read by pointer and keyboard, and explains."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import pytest
from playwright.sync_api import Locator, Page, expect

from runner.records.reading import read_run

from .conftest import Screen
from .records import Records

TENSOR = "hidden_layer_1.weight"


@pytest.mark.parametrize("name", ["agree", "wrong"])
def test_it_needs_nothing_but_itself(page: Page, records: Records, screen: Screen, name: str) -> None:
    asked, wrong = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("requestfailed", lambda request: wrong.append(request.url))
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(records.report(name), wait_until="networkidle")
    expect(page.locator(".verdict")).to_contain_text(records.verdict(name)["sentence"])
    expect(page.locator(".plot svg[role=img]")).to_have_count(7)
    screen(page, f"report-{name}")
    assert asked == [records.report(name)]
    assert wrong == []


COLUMNS = {"largest deviation": "max_abs", "roundings": "roundings", "logic roundings": "logic_roundings"}


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("press", [Locator.click, partial(Locator.press, key="Enter")], ids=["click", "key"])
def test_the_table_sorts_by_number(page: Page, records: Records, column: str, press: Callable[[Locator], None]) -> None:
    rows = records.verdict("agree")["tensors"]
    page.goto(records.report("agree"))
    table = page.get_by_role("table", name="Loss, prediction and gradients")
    head = table.get_by_role("columnheader", name=column, exact=True)
    for direction in ("descending", "ascending"):
        press(head.get_by_role("button"))
        expect(head).to_have_attribute("aria-sort", direction)
        assert table.locator("[aria-sort]").count() == 1
        values = {row["tensor"]: row[COLUMNS[column]] for row in rows}
        shown = [values[name] for name in table.locator("tbody th").all_inner_texts()]
        assert len(shown) == len(rows)
        assert shown == sorted(shown, reverse=direction == "descending")


def test_the_table_sorts_by_name(page: Page, records: Records) -> None:
    page.goto(records.report("agree"))
    table = page.get_by_role("table", name="Loss, prediction and gradients")
    recorded = [row["tensor"] for row in records.verdict("agree")["tensors"]]
    assert table.locator("tbody th").all_inner_texts() == recorded != sorted(recorded)
    table.get_by_role("button", name="tensor").press("Space")
    expect(table.get_by_role("columnheader", name="tensor")).to_have_attribute("aria-sort", "ascending")
    assert table.locator("tbody th").all_inner_texts() == sorted(recorded)


def plot(page: Page, name: str) -> tuple[Locator, Locator]:
    """A plot and the line in which its numbers are read."""
    return page.locator(f"#plot-{name} svg[role=img]"), page.locator(f"#readout-{name}")


def test_the_loss_is_read_by_pointer_and_by_keyboard(page: Page, records: Records, screen: Screen) -> None:
    losses = read_run(records.folder("agree")).losses
    page.goto(records.report("agree"))
    drawing, readout = plot(page, "loss")

    def read() -> int:
        """The step that is read, once its values are found to be those of the run."""
        expect(readout).to_contain_text("step")
        words = readout.inner_text()
        step, *values = re.search(r"step (\d+) · scratch (\S+) · torch (\S+)", words).groups()  # type: ignore[union-attr]
        expected = [float(losses[backend][int(step)]) for backend in ("scratch", "torch")]
        assert [float(value) for value in values] == pytest.approx(expected, rel=1e-8)
        return int(step)

    drawing.hover()
    assert 15 <= read() <= 25
    screen(page, "report-pointed")
    drawing.focus()
    for key, step in (("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", 39)):
        page.keyboard.press(key)
        assert read() == step


def test_deviations_and_elements_are_read(page: Page, records: Records) -> None:
    run = read_run(records.folder("agree"))
    table = run.deviations
    page.goto(records.report("agree"))
    page.get_by_role("combobox", name="Tensor").select_option(TENSOR)
    drawing, readout = plot(page, "deviation")
    drawing.press("Home")
    (row,) = table[(table["step"] == 0) & (table["tensor"] == TENSOR)].to_dict("records")
    words = readout.inner_text()
    assert words.startswith(f"step 0 · element {row['worst_index']} · ")
    numbers = re.search(r"scratch (\S+) · held against (\S+)", words)
    assert numbers is not None
    assert [float(number) for number in numbers.groups()] == pytest.approx(
        [row["worst_value"], row["worst_reference"]], rel=1e-8
    )
    drawing, readout = plot(page, "map")
    drawing.focus()
    for key in ("Home", "ArrowDown", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    words = readout.inner_text()
    assert words.startswith("element [2, 1] · ")
    assert run.gradients is not None
    for backend in ("scratch", "torch"):
        (value,) = re.findall(rf"{backend} (\S+)", words)
        assert float(value) == pytest.approx(float(run.gradients[f"{backend}/{TENSOR}"][-1][2, 1]), rel=1e-8)


def test_a_chosen_tensor_is_drawn(page: Page, records: Records) -> None:
    page.goto(records.report("agree"))
    for tensor, elements in (("input_layer.weight", 20), ("hidden_layer_2.bias", 1), (TENSOR, 100)):
        page.get_by_role("combobox", name="Tensor").select_option(tensor)
        for name in ("deviation", "map"):
            expect(plot(page, name)[0].locator("title")).to_contain_text(tensor)
        expect(page.locator("#plot-map .cell")).to_have_count(elements)
    title = plot(page, "deviation")[0].locator("title")
    expect(title).to_contain_text("in the run's dtype, float32")
    page.get_by_role("combobox", name="Judged").select_option("logic")
    expect(title).to_contain_text("logic, in float64")


@pytest.mark.parametrize("medium", ["screen", "print"])
def test_a_caption_says_what_is_chosen_on_screen_and_on_paper(
    page: Page, records: Records, medium: Literal["screen", "print"]
) -> None:
    page.goto(records.report("agree"))
    page.get_by_role("combobox", name="Tensor").select_option(TENSOR)
    page.get_by_role("combobox", name="Judged").select_option("logic")
    page.emulate_media(media=medium)
    chosen = {"deviation": f"{TENSOR} of scratch, logic, in float64", "histogram": "scratch, logic, in float64"}
    for name, words in {**chosen, "map": chosen["deviation"], "paths": TENSOR}.items():
        caption = page.locator(f"#plot-{name} figcaption")
        expect(caption).to_be_visible()
        expect(caption).to_have_text(re.compile(f": {re.escape(words)}$"))
    on_screen = medium == "screen"
    expect(page.get_by_role("combobox", name="Tensor")).to_be_visible(visible=on_screen)
    expect(page.get_by_text("Point at a plot")).to_be_visible(visible=on_screen)


def test_what_was_learnt_is_read_by_keyboard_and_by_pointer(page: Page, records: Records) -> None:
    run = read_run(records.folder("agree"))
    page.goto(records.report("agree"))
    assert run.gradients is not None
    assert run.trajectories is not None
    drawing, readout = plot(page, "norms")
    drawing.press("Home")
    weight, bias = (run.gradients[f"torch/input_layer.{part}"][0].astype(float) for part in ("weight", "bias"))
    (norm,) = re.findall(r"step 0 · input_layer (\S+)", readout.inner_text())
    assert float(norm) == pytest.approx(((weight**2).sum() + (bias**2).sum()) ** 0.5, rel=1e-5)
    page.get_by_role("combobox", name="Tensor").select_option(TENSOR)
    drawing, readout = plot(page, "paths")
    drawing.press("End")
    (value,) = re.findall(r"before step 39 · element \[0, 0\] · (\S+)", readout.inner_text())
    assert float(value) == pytest.approx(float(run.trajectories[TENSOR][-1][0]), rel=1e-8)
    page.get_by_role("combobox", name="Tensor").select_option("loss")
    expect(page.locator("#plot-paths")).to_contain_text("loss is no parameter.")
    drawing, readout = plot(page, "function")
    drawing.hover()
    words = readout.inner_text()
    names = ("target", "learnt", "learnt - target")
    target, learnt, apart = (float(re.findall(rf"· {name} (-?[\d.e-]+)", words)[0]) for name in names)
    assert apart == pytest.approx(learnt - target, rel=1e-2, abs=1e-3)
    drawing.focus()
    page.keyboard.press("ArrowDown")
    expect(readout).not_to_have_text(words)


def test_a_layers_box_chooses_its_tensor(page: Page, records: Records) -> None:
    page.goto(records.report("agree"))
    box = page.locator("#network [data-tensor^=input_layer]")
    tensor = box.get_attribute("data-tensor")
    box.press("Enter")
    expect(page.get_by_role("combobox", name="Tensor")).to_have_value(str(tensor))
    expect(plot(page, "deviation")[0].locator("title")).to_contain_text(str(tensor))


def test_a_mismatch_is_explained(page: Page, records: Records) -> None:
    verdict: Any = records.verdict("wrong")
    first, (cause, *_) = verdict["first"], verdict["explanations"]["missing_slope"]["causes"]
    page.goto(records.report("wrong"))
    section = page.get_by_role("region", name="Why it is a mismatch")
    expect(section.get_by_role("heading", name=f"Cause: {cause['name']}")).to_be_visible()
    expect(section).to_contain_text(cause["sentence"])
    expect(section.get_by_role("definition").filter(has_text=cause["formula"])).to_be_visible()
    row, column = first["index"]
    for backend, value in (("missing_slope", first["value"]), ("torch", first["reference_value"])):
        matrix = section.get_by_role("table", name=f"{first['tensor']} of {backend}")
        worst = matrix.locator("td.worst")
        expect(worst).to_have_count(1)
        expect(worst).to_contain_text("◀")
        assert float(worst.inner_text().removesuffix("◀")) == pytest.approx(value, rel=1e-3)
        cell = matrix.locator("tbody tr").nth(row).locator("td").nth(column)
        assert cell.get_attribute("class") == worst.get_attribute("class")
        assert ("wrong" in str(worst.get_attribute("class"))) == (backend == "missing_slope")
