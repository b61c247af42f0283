"""The page as a whole: its head, and its sections in their order."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from math import isnan
from pathlib import Path

from runner.assemble import Setup
from runner.records.reading import RecordedRun
from runner.records.report.data import data_of
from runner.records.report.frames import learnt, plots
from runner.records.report.learning import learning_of
from runner.records.report.markup import WORDS, Markup, clipped, embedded, scrolled, section, tag
from runner.records.report.mismatch import disagreement, facts
from runner.records.report.network import network_graph
from runner.records.report.scale import legend, palette
from runner.records.report.shown import Row, rows_of
from runner.records.words import blindness, number, small
from runner.shell import shell_line

HERE = Path(__file__).parent
SCRIPTS = ("charts", "plots", "learning", "page")
SIGNS = {"agree": "✓", "mismatch": "✗", "imprecise": "≈", "undecided": "?", "diverged": "∞"}
TITLE, TEXT, ROWS, FINDINGS = 300, 100_000, 1000, 100
"""Characters of a title and of a text; rows of a table; findings: all that a page has room for."""


def page(run: RecordedRun, setup: Setup | None) -> str:
    """The whole file."""
    style, script = f"{(HERE / 'report.css').read_text(encoding='utf-8')}{palette()}", whole_script()
    policy = f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'"
    title = clipped(run.title, TITLE)
    head = [
        Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        tag("title", f"{run.verdict['verdict']}: {title}"),
        tag("style", Markup(style)),
    ]
    learning = learning_of(run, setup)
    parts = [_verdict(run), disagreement(run), _network(run, setup), _tables(run), plots(run, "paths" in learning)]
    main = tag("main", *parts, learnt(run, setup, learning), _setting(run))
    data = tag("script", embedded({**data_of(run), "learning": learning}), type="application/json", id="data")
    body = tag("body", _header(title), main, data, tag("script", Markup(script)))
    return f"<!DOCTYPE html>\n{tag('html', tag('head', *head), body, lang='en')}\n"


def whole_script() -> str:
    """The page's script: its parts in their order, in one block."""
    parts = [(HERE / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS]
    return "\n".join(['"use strict";\n{', *parts, "}\n"])


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _header(title: str) -> Markup:
    return tag("header", tag("p", "A run of ", tag("code", "python -m runner"), class_="kind"), tag("h1", title))


def _verdict(run: RecordedRun) -> Markup:
    verdict = run.verdict
    kind = verdict["verdict"]
    sign = tag("span", SIGNS[kind], class_="sign", aria_hidden="true")
    sentence = tag("p", sign, " ", clipped(verdict["sentence"], WORDS), class_=f"verdict {kind}")
    written = datetime.fromtimestamp((run.folder / "verdict.json").stat().st_mtime).astimezone()
    rows = [
        ("backends", f"{', '.join(run.backends[:-1])}, compared to {run.reference}"),
        ("dtype", run.config["dtype"]),
        ("steps", f"{len(run.steps)} recorded, {verdict['judged_steps']} judged"),
        ("looks", f"{verdict['second_looks']} second, {verdict['third_looks']} third"),
        ("run folder", str(run.folder.absolute())),
        ("verdict.json", f"written {written:%Y-%m-%d %H:%M:%S %Z}"),
    ]
    found = list(verdict["findings"].items())
    rows += [("finding", clipped(f"from step {step}: {text}", WORDS)) for text, step in found[:FINDINGS]]
    if len(found) > FINDINGS:
        rows.append(("finding", f"and {len(found) - FINDINGS} more: see verdict.json"))
    if verdict["noise_over"] == "torch":
        rows.append(("rounding", "was measured by noise in torch's own operations"))
    if verdict["blind_below"]:
        rows.append(("blind below", blindness(verdict["blind_below"])))
    rows += [("drift", parting["sentence"]) for parting in (verdict["drift"] or {}).values()]
    return section("verdict", "Verdict", sentence, facts([*rows, *_scores(run)]))


SCORED = (
    ("train", "training data", "the mean over the last epoch's steps, while the parameters moved"),
    ("held_out", "held out", "with the parameters at the last epoch's end"),
)


def _scores(run: RecordedRun) -> list[tuple[str, str]]:
    """Loss and accuracy of the last epoch, where they were measured."""
    rows = []
    for part, name, when in SCORED:
        for backend, scores in ((run.verdict["evaluation"] or {}).get(part) or {}).items():
            loss = "not finite" if scores["loss"] is None else f"{scores['loss']:.6g}"
            accuracy = "" if scores["accuracy"] is None else f", accuracy {scores['accuracy']:.2%}"
            rows.append((f"{name}, {backend}", f"loss {loss}{accuracy} ({when})"))
    return rows


def _network(run: RecordedRun, setup: Setup | None) -> Markup:
    graph = tag(
        "div", network_graph(run, setup), class_="scroll", role="region", aria_label="Graph of the network", tabindex=0
    )
    which = "logic roundings" if run.question == "logic" else "roundings"
    notes = [legend(f"Colour and number: the most {which} of a gradient of the layer, over all steps")]
    if setup is None:
        notes.append(tag("p", "The layers are those that the parameters' names tell of.", class_="note"))
    return section("network", "Network", graph, *notes)


def _tables(run: RecordedRun) -> Markup:
    words = (
        "One rounding is what rounding alone does to that very number; up to 30 is agreement. Shown is the worst step."
    )
    parts = [tag("p", words, class_="note"), _table("Loss, prediction and gradients", rows_of(run))]
    if run.verdict["updates"]:
        table = _table("What is carried on after each update", rows_of(run, "updates"))
        wrong = sum(not row.ok for row in rows_of(run, "updates"))
        summary = f"What is carried on to the next step: {f'{wrong} not ok' if wrong else 'all ok'}"
        parts.append(tag("details", tag("summary", summary), table, open="" if wrong else None))
    return section("tensors", "Tensors", *parts)


COLUMNS: tuple[tuple[str, Callable[[Row], float], Callable[[float], str]], ...] = (
    ("largest deviation", lambda row: row.max_abs, small),
    ("roundings", lambda row: row.roundings, number),
    ("logic roundings", lambda row: row.logic_roundings, number),
)


def _table(name: str, rows: list[Row]) -> Markup:
    """Its heads are buttons, by which the script sorts it."""
    heads = [("tensor", ""), *((head, "figure") for head, _, _ in COLUMNS), ("result", "")]
    head = [tag("th", tag("button", text, type="button"), scope="col", class_=kind or None) for text, kind in heads]
    body = []
    for row in rows[:ROWS]:
        cells = [tag("th", row.tensor, scope="row")]
        for _, value, shown in COLUMNS:
            found = value(row)
            cells.append(tag("td", shown(found), class_="figure", data_value="" if isnan(found) else found))
        result = "not ok ✗" if not row.ok else "ok ✓" if not isnan(row.max_abs) else "-"
        body.append(tag("tr", *cells, tag("td", result, class_=None if row.ok else "wrong")))
    caption = name if len(rows) <= ROWS else f"{name}: the first {ROWS} of {len(rows)}"
    table = tag("table", tag("caption", caption), tag("thead", tag("tr", *head)), tag("tbody", *body), class_="sorted")
    return scrolled(table, name)


def _setting(run: RecordedRun) -> Markup:
    yaml = (run.folder / "config.yaml").read_text(encoding="utf-8")
    cut = "" if len(yaml) <= TEXT else "\n… the rest is in config.yaml"
    text = tag("pre", tag("code", yaml[:TEXT] + cut), tabindex=0)
    command = shell_line(["python", "-m", "runner", *run.overrides])
    if len(command) > TEXT:
        command = "too long to be shown: overrides.yaml has the words"
    words = "To run it again (with the --config-dir that it was started with, if any):"
    environment = run.environment
    rows = [(key, str(environment[key])) for key in ("runner", "python", "platform", "cpu", "threads", "commit")]
    rows += [("blas", ", ".join(environment["blas"]))]
    rows += list(environment["packages"].items())
    rows += [(Path(file).name, f"SHA-256 {digest}") for file, digest in environment["files"].items()]
    return section(
        "setting",
        "Configuration",
        tag("p", words),
        tag("pre", tag("code", command, class_="command"), tabindex=0),
        tag("details", tag("summary", "Whole configuration (config.yaml)"), text),
        tag("details", tag("summary", "Versions (environment.json)"), facts([r for r in rows if r[1] != "None"])),
    )
