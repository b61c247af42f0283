"""report.html: what stands on the page, and that nothing can break out of it."""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.records.elements import EDGES
from runner.records.reading import RecordedRun, read_run
from runner.records.report import write_report
from runner.records.report.data import ALL_ELEMENTS, data_of
from runner.records.report.learning import ALL_PATHS, LAYERS
from runner.records.report.markup import embedded, tag
from runner.records.report.page import whole_script
from runner.records.report.scale import APART, SEQUENCE, SHADES, palette, place_of
from runner.records.report.shown import POINTS, figure
from runner.records.report.window import window
from tests.helpers import make_setup

from .folders import Written, write_folder
from .pages import Page, Reader

WRONG = ("backend=[missing_slope,torch]", "batch_size=4", "data.samples=12")
RUNS: dict[str, tuple[str, ...]] = {
    "plain": ("data.samples=12", "seed=3"),
    "wrong": WRONG,
    "several": ("backend=[missing_slope,bias_mean,torch]", "batch_size=4", "data.samples=8"),
    "bare": (*WRONG, "record.gradients=false"),
    "diverged": ("lr=1e30", "data.samples=5"),
    "free": ("lockstep=false", "data.samples=6"),
    "update": ("optimizer=adam", "backend=[adam_uncorrected,torch]", "data.samples=3"),
    "formless": ("backend=[function,torch]", "backend.function.path=tests.own.wrong:missing", "data.samples=3"),
    "double": ("dtype=float64", "data.samples=4"),
    "seldom": ("verdict.every=5", "record.every=3", "data.samples=12"),
}
NASTY = """</script><b>"&'<!--\u2028\x00"""


def page_of(folder: Path, with_setup: bool = True) -> Page:
    run = read_run(folder)
    setup = make_setup(*RUNS[folder.name]) if with_setup else None
    return Reader(write_report(run, setup).read_text(encoding="utf-8")).page


Made = Callable[[str], tuple[Path, Written]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The folder of a run by its name, made once, and what was recorded."""
    found: dict[str, tuple[Path, Written]] = {}

    def make(name: str) -> tuple[Path, Written]:
        if name not in found:
            folder = tmp_path_factory.mktemp("runs") / name
            found[name] = folder, write_folder(folder, *RUNS[name])
        return found[name]

    return make


@pytest.mark.parametrize("name", RUNS)
def test_a_page_is_whole_small_and_loads_nothing(name: str, made: Made) -> None:
    page = page_of(made(name)[0])
    assert len(page.text.encode()) < 1_000_000
    assert {"verdict", "network", "tensors", "plots", "setting", "data"} <= set(page.ids())
    assert len(page.ids()) == len(set(page.ids()))
    for kind, attributes in page.tags:
        assert not {"src", "srcset", "style", "onclick", "onload"} & set(attributes), kind
        assert kind not in ("link", "img", "iframe", "object", "base", "form")
        assert not (attributes.get("href") or "").startswith("http")
    assert not re.search(r"url\((?!#)|@import", page.text)
    (policy,) = [a["content"] for k, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy


@pytest.mark.parametrize("name", RUNS)
def test_headings_go_down_one_at_a_time_and_what_is_named_is_there(name: str, made: Made) -> None:
    page = page_of(made(name)[0])
    levels = [int(kind[1]) for kind, _ in page.tags if re.fullmatch("h[1-6]", kind)]
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    named = {a["aria-labelledby"] for _, a in page.tags if a.get("aria-labelledby")}
    assert named <= set(page.ids())


def test_the_script_is_small_and_keeps_away_from_what_a_frame_forbids() -> None:
    script = whole_script()
    assert len(script.encode()) < 30_000
    forbidden = r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|Function\(|localStorage|sessionStorage"
    assert not re.search(forbidden + r"|fetch\(|XMLHttp|import\b|cookie|window\.parent", script)


def test_the_verdict_is_told_by_a_sign_and_a_word(made: Made) -> None:
    for name, sign in (("plain", "✓"), ("wrong", "✗"), ("diverged", "∞")):
        run = read_run(made(name)[0])
        page = page_of(run.folder)
        assert f"{sign} {run.verdict['sentence']}" in page.words
        assert f'class="verdict {run.verdict["verdict"]}"' in page.text


def test_a_mismatch_is_explained_with_both_matrices(made: Made) -> None:
    folder, _ = made("wrong")
    run, page = read_run(folder), page_of(folder)
    e = run.verdict["explanations"]["missing_slope"]
    (cause,) = e["causes"]
    for words in (cause["name"], cause["sentence"], cause["formula"], e["where"], e["opinion"]["words"]):
        assert words in page.words
    assert all(row["layer"] in page.words for row in e["layers"])
    first = run.verdict["first"]
    assert run.gradients is not None
    for backend in ("missing_slope", "torch"):
        value = run.gradients[f"{backend}/{first['tensor']}"][first["step"]]
        table = re.search(rf"<caption>{first['tensor']} of {backend} .*?</table>", page.text, re.DOTALL)
        assert table is not None
        cells = re.findall(r"<td[^>]*>([^<]*)</td>", table[0])
        assert [float(cell.split()[0]) for cell in cells] == pytest.approx(value.ravel().tolist(), rel=1e-3)
        (worst,) = [i for i, cell in enumerate(cells) if "◀" in cell]
        assert np.unravel_index(worst, value.shape) == tuple(first["index"])


def test_every_backend_that_is_wrong_is_explained(made: Made) -> None:
    page = page_of(made("several")[0])
    assert "The backend missing_slope" in page.words
    assert "The backend bias_mean" in page.words
    assert "choose-backend" in page.ids()


def test_without_gradients_that_is_said(made: Made) -> None:
    page = page_of(made("bare")[0])
    assert "were not recorded (record.gradients=false)" in page.words
    assert all(part["value"] is None and part["reference"] is None for part in page.data["elements"])
    assert page.data["elements"][0]["logic"]


def test_a_wrong_update_shows_no_gradients_side_by_side(made: Made) -> None:
    page = page_of(made("update")[0])
    assert "update/input_layer.weight" in page.words
    assert "Both gradients" not in page.words
    assert re.search("<details open", page.text)


def test_what_has_not_the_form_of_a_step_is_told_without_numbers(made: Made) -> None:
    folder, _ = made("formless")
    run, page = read_run(folder), page_of(folder)
    assert run.verdict["first"]["form"]
    assert run.verdict["first"]["finding"] in page.words


def test_values_that_are_not_finite_are_told_in_words(made: Made) -> None:
    page = page_of(made("diverged")[0])
    assert "scratch hasinf, which is not finite" in page.words
    assert "torch hasinf, which is not finite" in page.words
    assert "not finite ✗" in page.words
    assert [line["value"][-1] for line in page.data["loss"]["lines"]] == ["Infinity", "Infinity"]
    assert "NaN" not in page.scripts[0]


def test_the_network_is_drawn_from_its_layers_or_from_names(made: Made) -> None:
    folder, _ = made("plain")
    for with_setup in (True, False):
        boxes = re.findall(r'<g tabindex="0".*?</g>', page_of(folder, with_setup).text, re.DOTALL)
        titles = [re.findall(r"<title>(.*?)</title>", box)[0] for box in boxes]
        names = ["input", "input_layer", "sigmoid_1", "hidden_layer_1", "sigmoid_3", "hidden_layer_2", "loss"]
        wanted = names if with_setup else [name for name in names if "sigmoid" not in name]
        assert [title.partition(",")[0] for title in titles] == wanted
        assert all(" roundings ✓" in box for box in boxes if "_layer" in box)


def test_a_wrong_layer_has_the_colour_of_its_worst_tensor(made: Made) -> None:
    folder, _ = made("wrong")
    rows = {row["tensor"]: row for row in read_run(folder).verdict["tensors"]}
    for box in re.findall(r'<g tabindex="0".*?</g>', page_of(folder).text, re.DOTALL):
        tensor = re.search('data-tensor="(.*?)"', box)
        if tensor is not None:
            kind = place_of(rows[tensor[1]]["logic_roundings"])
            assert f'class="k{kind}"' in box
            assert box.count(f'"i{kind}') == box.count("<text")
            assert ("✗" in box) is not rows[tensor[1]]["ok"]


def test_the_layers_in_a_layer_are_listed_in_its_box(made: Made, tmp_path: Path) -> None:
    inner = "{layer: residual, layers: [{layer: linear, out: 3}, {layer: tanh}]}"
    layers = f"[{{layer: linear, out: 3}}, {inner}, {{layer: linear, out: 1}}]"
    overrides = (f"architecture.layers={layers}", "data.samples=2")
    write_folder(tmp_path / "nested", *overrides)
    run = read_run(tmp_path / "nested")
    text = write_report(run, make_setup(*overrides)).read_text(encoding="utf-8")
    assert "· linear → 3, · tanh → 3, shortcut: identity" in text


def by_name(lines: list[Mapping[str, Any]], **wanted: str) -> Mapping[str, Any]:
    (found,) = [line for line in lines if all(line[key] == value for key, value in wanted.items())]
    return found


@pytest.mark.parametrize("name", ["plain", "wrong", "double", "seldom", "free"])
def test_the_losses_are_those_of_the_backends_to_the_bit(name: str, made: Made) -> None:
    folder, written = made(name)
    data, dtype = page_of(folder).data, np.dtype(read_run(folder).config["dtype"])
    for backend, losses in written.losses.items():
        shown = by_name(data["loss"]["lines"], backend=backend)["value"]
        assert np.array(shown, dtype).tolist() == np.array(losses, dtype).tolist()


@pytest.mark.parametrize("name", ["plain", "wrong", "double", "seldom", "free"])
def test_what_is_drawn_is_what_was_recorded(name: str, made: Made) -> None:
    folder, _ = made(name)
    run, data = read_run(folder), page_of(folder).data
    assert run.gradients is not None
    assert run.roundings is not None
    at = run.steps.tolist().index(data["shown_step"])
    for part in data["elements"]:
        backend, tensor = part["backend"], part["tensor"]
        for side, who in (("value", backend), ("reference", run.reference)):
            recorded = run.gradients[f"{who}/{tensor}"][at]
            assert np.array(part[side], recorded.dtype).tolist() == recorded.ravel().tolist()
        for question in ("logic", "precision"):
            wanted = run.roundings[f"{question}/{backend}/{tensor}"].ravel()
            assert numbers(part[question]) == pytest.approx(wanted.tolist(), rel=1e-3)
    for line in data["series"]:
        prefix = "logic_" if line["question"] == "logic" else ""
        rows = run.deviations
        rows = rows[(rows["backend"] == line["backend"]) & (rows["tensor"] == line["tensor"])].set_index("step")
        rows = rows.loc[line["step"]]
        for key in ("roundings", "sigma"):
            wanted = rows[f"{prefix}{key}"].to_numpy()
            assert numbers(line[key]) == pytest.approx(wanted.tolist(), rel=1e-3, nan_ok=True)
        judged = ~np.isnan(numbers(line["sigma"]))
        in_roundings = np.array(numbers(line["deviation"]))[judged] / np.array(numbers(line["sigma"]))[judged]
        assert in_roundings.tolist() == pytest.approx(np.array(numbers(line["roundings"]))[judged].tolist(), rel=2e-3)
    for counted in data["counts"]:
        assert counted["count"] == run.roundings[f"counts/{counted['question']}/{counted['backend']}"].tolist()
    assert data["edges"] == pytest.approx(EDGES.tolist(), rel=1e-3)


def numbers(values: list[Any]) -> list[float]:
    return [math.nan if value is None else float(value) for value in values]


def large(folder: Path, made: Made, steps: int, layers: int) -> RecordedRun:
    """A run of many steps and large layers, of records that are made up: only their size matters."""
    shutil.copytree(made("plain")[0], folder)
    run = read_run(folder)
    rng = np.random.default_rng(0)
    names = [f"hidden_layer_{i}.weight" for i in range(layers)]
    row = run.verdict["tensors"][2]
    tensors = [*run.verdict["tensors"][:2], *({**row, "tensor": name} for name in names)]
    table = run.deviations[run.deviations["tensor"] == "input_layer.weight"].head(1)
    each = ["loss", *names]
    rows = table.loc[table.index.repeat(steps * len(each))].reset_index(drop=True)
    rows["step"], rows["tensor"] = np.repeat(np.arange(steps), len(each)), np.tile(each, steps)
    rows["roundings"] = rng.random(len(rows))
    rows.loc[rows["step"] == steps // 3, "roundings"] = 29.0
    run = replace(run, verdict={**run.verdict, "tensors": tensors})
    shape = (24, 24)
    keys = [f"{question}/scratch/{name}" for question in ("logic", "precision") for name in names]
    run.__dict__["deviations"] = rows
    run.__dict__["roundings"] = {key: rng.random(shape) for key in keys}
    gradients = {f"{backend}/{name}": rng.standard_normal(shape) for backend in run.backends for name in names}
    run.__dict__["gradients"] = {key: np.broadcast_to(value, (steps, *shape)) for key, value in gradients.items()}
    run.__dict__["parameters"] = {f"{when}/{name}": rng.random(shape) for when in ("first", "last") for name in names}
    paths = {name: rng.random((steps, 8)) for name in names} | {f"at/{name}": np.arange(8) for name in names}
    run.__dict__["trajectories"] = {"steps": np.arange(steps), **paths}
    return run


MADE_UP = ("deviations", "roundings", "gradients", "parameters", "trajectories")


def with_records(run: RecordedRun, of: RecordedRun) -> RecordedRun:
    """``run`` with the records that were read or made of another."""
    run.__dict__.update({name: of.__dict__[name] for name in MADE_UP})
    return run


def test_large_runs_stay_small_and_what_is_left_out_is_told(made: Made, tmp_path: Path) -> None:
    run = large(tmp_path / "run", made, steps=40, layers=1500)
    updates = [{**row, "tensor": f"update/{row['tensor']}"} for row in run.verdict["tensors"]]
    run = with_records(replace(run, verdict={**run.verdict, "updates": updates}, config={"dtype": "float64"}), run)
    file = write_report(run, None)
    assert file.stat().st_size < 3_000_000
    page = Reader(file.read_text(encoding="utf-8")).page
    assert "the first 1000 of 1502" in page.words
    assert "1103 more layers" in page.words
    assert "Of 1502 tensors the 300 worst can be chosen" in page.words
    assert "Of 40 recorded steps at most about" in page.words
    elements = page.data["elements"]
    assert sum(len(part["logic"]) for part in elements) <= ALL_ELEMENTS
    assert all("around the worst element" in part["words"] for part in elements)
    learning = page.data["learning"]
    assert len(learning["paths"]["tensors"]) == 300
    assert sum(len(line) for path in learning["paths"]["tensors"] for line in path["lines"]) <= 2 * ALL_PATHS
    assert len(learning["norms"]["lines"]) == LAYERS
    assert f"{LAYERS} of 1500 layers" in page.words


def test_thinned_lines_keep_the_worst_step_and_both_ends(made: Made, tmp_path: Path) -> None:
    run = large(tmp_path / "run", made, steps=3000, layers=1)
    line = by_name(data_of(run)["series"], tensor="hidden_layer_0.weight", question="precision")
    assert len(line["step"]) <= POINTS
    assert line["step"] == sorted(set(line["step"]))
    assert {0, 1000, 2999} <= set(line["step"])


def test_no_text_of_a_user_breaks_out(made: Made, tmp_path: Path) -> None:
    """Names of backends, tensors and layers, overrides, findings, causes, configuration: each holds markup."""
    folder = tmp_path / "nasty"
    shutil.copytree(made("wrong")[0], folder)
    for name in ("verdict.json", "environment.json"):
        document = spoilt(json.loads((folder / name).read_text(encoding="utf-8")))
        (folder / name).write_text(json.dumps(document), encoding="utf-8")
    (folder / "config.yaml").write_text(f"lr: 1  # {NASTY}", encoding="utf-8")
    clean = read_run(made("wrong")[0])
    table = clean.deviations.assign(backend=f"missing_slope{NASTY}", reference=f"torch{NASTY}")
    table["tensor"] = table["tensor"].map(spoilt_tensor)
    assert clean.gradients is not None
    assert clean.roundings is not None
    run = RecordedRun(folder, clean.config, [f"a={NASTY}"], spoilt_names(clean), clean.environment)
    run = replace(run, environment={**clean.environment, "files": {f"/x/{NASTY}": NASTY}, "cpu": NASTY})
    run.__dict__["deviations"] = table
    run.__dict__["gradients"] = {spoilt_key(key): value for key, value in clean.gradients.items()}
    run.__dict__["roundings"] = {spoilt_key(key, 1): value for key, value in clean.roundings.items()}
    run.__dict__["trajectories"] = {spoilt_path(key): value for key, value in (clean.trajectories or {}).items()}
    run.__dict__["parameters"] = {f"{key}{NASTY}": value for key, value in clean.parameters.items()}
    page = Reader(write_report(run, None).read_text(encoding="utf-8")).page
    assert "b" not in {kind for kind, _ in page.tags}
    assert len(page.scripts) == 2
    assert page.scripts[1] == whole_script()
    assert page.data["backends"] == run.backends
    assert page.data["elements"][0]["tensor"].endswith(NASTY)
    assert page.data["learning"]["paths"]["tensors"][0]["tensor"].endswith(NASTY)
    assert f"a={NASTY}".replace("\x00", "") in page.words.replace("\x00", "")
    assert not re.search(r"<!--|</script><b", page.text)


def spoilt_tensor(name: str) -> str:
    return name if name in ("loss", "prediction") else f"{name}{NASTY}"


def spoilt(document: Any) -> Any:
    """The document with markup at the end of each text."""
    if isinstance(document, dict):
        return {key: spoilt(value) for key, value in document.items()}
    if isinstance(document, list):
        return [spoilt(value) for value in document]
    return spoilt_tensor(document) if isinstance(document, str) else document


def spoilt_names(run: RecordedRun) -> Mapping[str, Any]:
    """The verdict with markup in each text, its own word and its keys' words left."""
    spoilt_verdict = spoilt(run.verdict)
    explanations = {f"{name}{NASTY}": value for name, value in spoilt_verdict["explanations"].items()}
    findings = {f"a finding{NASTY}": 3}
    words = {"verdict": "mismatch", "noise_over": "torch"}
    return {**spoilt_verdict, **words, "explanations": explanations, "findings": findings}


def spoilt_key(key: str, backend_at: int = 0) -> str:
    """``<backend>/<tensor>`` with markup in both, behind ``backend_at`` words of the file's own."""
    words = key.split("/")
    if words[0] == "counts":
        return f"{key}{NASTY}"
    return "/".join([*words[:backend_at], *(f"{word}{NASTY}" for word in words[backend_at:])])


def spoilt_path(key: str) -> str:
    return key if key == "steps" else f"{key}{NASTY}"


def test_markup_is_escaped_unless_it_is_the_pages_own() -> None:
    assert tag("p", "<b>", tag("i", "&"), title='"') == '<p title="&quot;">&lt;b&gt;<i>&amp;</i></p>'
    text = embedded({"a": NASTY, "b": "\ud800"})
    assert "<" not in text
    assert text.isascii()
    assert json.loads(text) == {"a": NASTY, "b": "\ud800"}


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1 / 3, 0.3333), (math.inf, "Infinity"), (-math.inf, "-Infinity"), (math.nan, None), (0.0, 0.0)],
)
def test_figures_are_json(value: float, shown: object) -> None:
    assert figure(value, 4) == shown


def test_colours_part_at_the_limit() -> None:
    assert SHADES[place_of(30.0)].begin == 10.0
    assert SHADES[place_of(np.nextafter(30.0, 31.0))].begin == 30.0
    assert place_of(0.0) == 0
    assert place_of(math.inf) == len(SHADES) - 1


PAPERS = {"light": "#ffffff", "dark": "#14171a"}


@pytest.mark.parametrize("theme", PAPERS)
def test_the_worse_a_colour_the_more_it_stands_out_and_in_grey_all_are_told_apart(theme: str) -> None:
    looks = [getattr(shade, theme) for shade in SHADES]
    against = [contrast(look.fill, PAPERS[theme]) for look in looks]
    assert against == sorted(against)
    assert against[-1] > 12
    assert min(b / a for a, b in pairwise(against)) > 1.2
    for look in looks:
        assert contrast(look.fill, look.ink) >= 4.5, look
    rules = palette().partition("@media screen and (prefers-color-scheme: dark)")
    assert all(f".k{i} {{ fill: {look.fill}; }}" in rules[0 if theme == "light" else 2] for i, look in enumerate(looks))


def test_values_and_differences_have_colours_in_their_order() -> None:
    order = [luminance(fill) for fill in SEQUENCE]
    assert order == sorted(order)
    for differences, paper in zip(APART, PAPERS.values(), strict=True):
        against = [contrast(fill, paper) for fill in differences]
        middle = len(against) // 2
        assert against[middle] == min(against)
        assert against[: middle + 1] == sorted(against[: middle + 1], reverse=True)
        assert against[middle:] == sorted(against[middle:])
    for i, fill in enumerate(SEQUENCE):
        (color,) = re.findall(rf"\.q{i} {{ .* color: (\S+); }}", palette())
        assert contrast(fill, color) >= 4.5


def contrast(colour: str, other: str) -> float:
    """As WCAG defines it."""
    low, high = sorted([luminance(colour), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("shape", [(), (1,), (7,), (100,), (3, 4), (50, 60), (5, 3, 4, 4)])
def test_a_window_lies_within_the_tensor_around_its_worst_element(shape: tuple[int, ...]) -> None:
    values = np.arange(math.prod(shape), dtype=float).reshape(shape)
    for at in {0, values.size // 2, values.size - 1}:
        part = window(shape, at, 12)
        shown = part.of(values)
        assert shown[part.within] == at
        assert shown.shape == (len(part.rows), len(part.columns)) == (min(12, part.total[0]), min(12, part.total[1]))
        assert part.whole is (shown.size == values.size)
