"""What config.yaml, overrides.yaml, environment.json and verdict.json hold, as far as it is read back."""

from __future__ import annotations

from runner.arrays import DTYPES
from runner.comparison.results import SEVERITY
from runner.records.forms import Items

FIGURE = (None, float)
TENSOR = {"tensor": str, "max_abs": FIGURE, "roundings": FIGURE, "logic_roundings": FIGURE, "ok": bool}
SCORES = {...: {"loss": FIGURE, "accuracy": FIGURE}}
FIRST = {
    **dict.fromkeys(("backend", "reference", "tensor", "finding"), str),
    **dict.fromkeys(("value", "reference_value", "roundings"), FIGURE),
    "step": int,
    "index": Items(int),
    "form": bool,
}
EXPLANATION = {
    **dict.fromkeys(("subject", "pattern", "where"), str),
    "causes": Items({"name": str, "sentence": str, "formula": str, "tensors": Items(str)}),
    "unexplained": Items(str),
    "layers": Items({"layer": str, "activation": FIGURE, "delta": FIGURE}),
    "opinion": (None, {"words": str}),
}

VERDICT = {
    "verdict": SEVERITY,
    "sentence": str,
    "backends": Items(str, 2),
    **dict.fromkeys(("judged_steps", "second_looks", "third_looks"), int),
    **dict.fromkeys(("logic_roundings", "precision_roundings", "blind_below"), FIGURE),
    "first": (None, FIRST),
    "findings": {...: int},
    "explanations": {...: EXPLANATION},
    "noise_over": str,
    "tensors": Items(TENSOR, 1),
    "updates": Items(TENSOR),
    "evaluation": (None, {"train": SCORES, "held_out": SCORES}),
    "drift": (None, {...: {"sentence": str}}),
}

ENVIRONMENT = {
    **dict.fromkeys(("runner", "python", "platform", "cpu"), str),
    "threads": (None, int),
    "blas": Items(str),
    "packages": {...: str},
    "files": {...: str},
    "commit": (None, str),
}

CONFIG = {
    "dtype": tuple(DTYPES),
    "seed": int,
    **dict.fromkeys(("data", "target", "backend"), dict),
    "record": {"gradients": bool},
}

OVERRIDES = Items(str)
