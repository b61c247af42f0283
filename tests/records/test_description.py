"""The description of a run in MLflow: what it says, what Markdown reads into it, how long it is."""

from __future__ import annotations

import pytest

from runner.comparison.summary import RunVerdict, TensorSummary
from runner.records.description import EXPERIMENT, LONGEST, description, escaped
from runner.records.words import whole_verdict
from tests.helpers import run

CUT = "*(cut here, at the length that MLflow takes; verdict.json has all of it)*"


def verdict_of(*names: str) -> RunVerdict:
    """Each tensor one rounding worse than the one before it."""
    tensors = {name: TensorSummary(1e-7, float(i), 1.0) for i, name in enumerate(names)}
    return RunVerdict(judged_steps=1, tensors=tensors)


def rows(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("| ") and not line.startswith(("| tensor", "| ---"))]


def test_a_mismatch_is_told_with_its_cause_formula_tensors_and_command() -> None:
    verdict = run("backend=[missing_slope,torch]", "data.samples=2").verdict
    text = description(verdict, ["missing_slope", "torch"], "python -m runner seed=3")
    sentence, *found = whole_verdict(verdict, ["missing_slope", "torch"])
    lines = text.splitlines()
    assert lines[0] == f"**{escaped(sentence)}**"
    assert [line for line in lines if line.startswith("- ")] == [f"- {escaped(line)}" for line in found]
    assert any(line.startswith("- right: dL/dz = dL/da") for line in lines)
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows(text)] == [escaped(name) for name in verdict.tensors]
    assert [("not ok" in row) for row in rows(text)] == [not tensor.ok for tensor in verdict.tensors.values()]
    assert lines[-1] == "    python -m runner seed=3"


def test_a_run_that_no_command_replays_has_none() -> None:
    assert "again" not in description(verdict_of("loss"), ["a", "b"], "")


def test_of_many_tensors_the_worst_are_shown_and_it_says_so() -> None:
    names = [f"layer_{i}.weight" for i in range(40)]
    verdict = verdict_of(*names)
    verdict.tensors["layer_3.weight"].ok = False
    verdict.tensors["layer_5.weight"].roundings = float("nan")
    text = description(verdict, ["a", "b"], "")
    shown = [row.split(" | ")[0].removeprefix("| ").replace("\\", "") for row in rows(text)]
    assert shown == ["layer_3.weight", *(f"layer_{i}.weight" for i in range(39, 10, -1))]
    assert "The 30 worst of 40 tensors" in text


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("a|b", r"a\|b"),
        ("`a`", r"\`a\`"),
        ("</td><script>", "&lt;/td&gt;&lt;script&gt;"),
        ("&lt;", "&amp;lt;"),
        ("a_b*c*", r"a\_b\*c\*"),
        ("[x](y)", r"\[x\](y)"),
        ("two\nlines", "two lines"),
        ("back\\", "back\\\\"),
    ],
)
def test_what_users_name_is_read_as_it_stands(name: str, wanted: str) -> None:
    text = description(verdict_of(name), [name, "torch"], "")
    assert rows(text)[0].startswith(f"| {wanted} | ")
    assert f" of {wanted} and torch" in text.splitlines()[0]


def test_what_is_too_long_for_mlflow_is_cut_at_a_whole_line() -> None:
    verdict = verdict_of("loss", "prediction")
    verdict.findings = {f"finding {i} " + "x" * 100: i for i in range(200)}
    whole = verdict_of("loss")
    whole.findings = {f"finding {i} " + "x" * 100: i for i in range(10)}
    assert CUT not in description(whole, ["a", "b"], "")
    text = description(verdict, ["a", "b"], "python")
    assert LONGEST - 200 < len(text) <= LONGEST
    *kept, empty, last = text.splitlines()
    assert (empty, last) == ("", CUT)
    assert all(len(line) == len(f"- from step {i}: finding {i} ") + 100 for i, line in enumerate(kept[2:]))


def test_one_line_that_is_too_long_leaves_the_mark_alone() -> None:
    assert description(verdict_of("loss"), ["x" * LONGEST, "b"], "").strip() == CUT


def test_bytes_that_are_no_text_make_it_no_longer_than_mlflow_takes() -> None:
    text = description(verdict_of("loss"), ["a", "b"], "\n".join(["\udcff" * 90] * 30))
    assert len(text) <= LONGEST
    text.encode()


def test_the_description_of_an_experiment_fits_and_names_what_a_run_has() -> None:
    assert len(EXPERIMENT) < 5000
    for name in ("`verdict`", "verdict/precision_roundings", "`lr`", "`seed`"):
        assert name in EXPERIMENT
