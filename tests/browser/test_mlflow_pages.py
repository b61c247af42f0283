"""MLflow's own pages over what was recorded, as its server shows them."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

import pytest
from mlflow.entities import Run
from playwright.sync_api import Page, ViewportSize, expect

from runner.commands.front_page import PAGES, front_page
from tests.cli.stores import uri

from .conftest import Screen
from .records import AGREE, JOBS, SWEEP, WRONG, Records

SIZE = ViewportSize(width=1900, height=1000)


@pytest.fixture
def desk(page: Page) -> Page:
    """A page that has room for MLflow's three columns."""
    page.set_viewport_size(SIZE)
    return page


def address(server: str, run: Run, part: str = "") -> str:
    """Of a part of a run's page."""
    return f"{server}/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}{part}?workflowType=machine_learning"


def test_runs_are_listed_by_their_overrides(desk: Page, server: str, records: Records, screen: Screen) -> None:
    experiment = records.tracked(*AGREE).info.experiment_id
    desk.goto(f"{server}/#/experiments/{experiment}/runs?workflowType=machine_learning")
    for overrides in (AGREE, WRONG, SWEEP):
        expect(desk.get_by_role("link", name=" ".join(overrides), exact=True)).to_be_visible()
    for name in JOBS:
        expect(desk.get_by_role("link", name=name, exact=True)).to_be_hidden()
    expect(desk.get_by_text("A run's description says what was found.")).to_be_visible()
    parent = desk.get_by_role("gridcell").filter(has=desk.get_by_role("link", name=" ".join(SWEEP), exact=True))
    parent.get_by_role("button").click()
    for name in JOBS:
        expect(desk.get_by_role("link", name=name, exact=True)).to_be_visible()
    screen(desk, "mlflow-runs")


def test_the_first_visit_shows_the_verdicts(desk: Page, server: str, records: Records, screen: Screen) -> None:
    desk.goto(front_page(uri(records.root), "runner").replace(PAGES, f"{server}/#/experiments"))
    expect(desk.get_by_role("columnheader", name="verdict", exact=True).first).to_be_visible()
    expect(desk.get_by_role("gridcell", name="mismatch", exact=True).first).to_be_visible()
    expect(desk.get_by_role("gridcell", name="slope_missing", exact=True).first).to_be_visible()
    screen(desk, "mlflow-first-visit")


def test_a_runs_page_says_what_was_found(desk: Page, server: str, records: Records, screen: Screen) -> None:
    desk.goto(address(server, records.tracked(*WRONG)))
    expect(desk.get_by_role("heading", name=" ".join(WRONG))).to_be_visible()
    cause = records.verdict("wrong")["explanations"]["missing_slope"]["causes"][0]
    expect(desk.get_by_text(cause["sentence"]).first).to_be_visible()
    expect(desk.get_by_text("verdict.first_tensor").first).to_be_visible()
    screen(desk, "mlflow-run")


def test_charts_stand_in_groups(desk: Page, server: str, records: Records, screen: Screen) -> None:
    desk.goto(address(server, records.tracked(*AGREE), "/model-metrics"))
    for group in ("deviation/max_abs(8)", "deviation/roundings(8)", "loss(2)"):
        expect(desk.get_by_role("figure").filter(has_text=re.compile(rf"^{re.escape(group)}"))).to_be_attached()
    for chart in ("hidden_layer_1.weight", "hidden_layer_1.bias"):
        expect(desk.get_by_role("heading", name=chart, exact=True).first).to_be_visible()
    expect(desk.locator("svg.main-svg").first).to_be_visible()
    screen(desk, "mlflow-charts")
    desk.get_by_placeholder("Search metric charts").fill("^loss/")
    expect(desk.get_by_role("heading", name="scratch", exact=True)).to_be_visible()
    expect(desk.get_by_role("heading", name="torch", exact=True)).to_be_visible()
    screen(desk, "mlflow-charts-loss")


def test_a_sweep_names_its_jobs(desk: Page, server: str, records: Records, screen: Screen) -> None:
    desk.goto(address(server, records.tracked(*SWEEP)))
    for name in JOBS:
        expect(desk.get_by_role("link", name=name, exact=True)).to_be_visible()
    screen(desk, "mlflow-sweep")
    desk.goto(address(server, records.tracked(*SWEEP), "/artifacts/sweep.png"))
    expect(desk.get_by_role("img", name="sweep.png")).to_be_visible()
    screen(desk, "mlflow-sweep-plot")


def test_the_report_is_read_within_mlflow(desk: Page, server: str, records: Records, screen: Screen) -> None:
    desk.goto(address(server, records.tracked(*WRONG), "/artifacts/report.html"))
    inner = desk.frame_locator("iframe")
    expect(inner.locator(".verdict")).to_contain_text(records.verdict("wrong")["sentence"])
    drawing = inner.locator("#plot-loss svg[role=img]")
    drawing.hover()
    expect(inner.locator("#readout-loss")).to_contain_text("torch")
    screen(desk, "mlflow-report-plot")
    inner.locator(".verdict").scroll_into_view_if_needed()
    screen(desk, "mlflow-report")


def test_a_plot_is_seen_within_mlflow(desk: Page, server: str, records: Records, screen: Screen) -> None:
    desk.goto(address(server, records.tracked(*WRONG), "/artifacts/plots/heat_map.png"))
    picture = desk.get_by_role("img", name="heat_map.png")
    expect(picture).to_be_visible()
    assert picture.evaluate("(image) => image.complete && image.naturalWidth") > 400
    screen(desk, "mlflow-plot")


def test_two_runs_are_compared(desk: Page, server: str, records: Records, screen: Screen) -> None:
    both = [records.tracked(*name) for name in (AGREE, WRONG)]
    runs = quote(json.dumps([run.info.run_id for run in both]))
    experiments = quote(json.dumps([both[0].info.experiment_id]))
    desk.goto(f"{server}/#/compare-runs?runs={runs}&experiments={experiments}")
    expect(desk.get_by_role("heading", name="Comparing 2 Runs from 1 Experiment")).to_be_visible()
    for name in (AGREE, WRONG):
        expect(desk.get_by_role("cell", name=" ".join(name), exact=True)).to_be_visible()
    for key, *values in (("batch_size", "1", "4"), ("data.samples", "40", "12")):
        row = desk.get_by_role("row").filter(has=desk.get_by_role("rowheader", name=key, exact=True))
        assert row.get_by_role("cell").all_inner_texts() == values
    screen(desk, "mlflow-compare")
