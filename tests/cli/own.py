"""A user's own files: modules, and a folder of configuration beside them."""

from __future__ import annotations

from pathlib import Path

BACKENDS = '''
"""Two backends that are at fault wherever the first feature of the first sample is negative."""

from dataclasses import dataclass

from runner.backends.base import BackendChoice
from runner.backends.scratch import ScratchBackend


@dataclass(frozen=True, kw_only=True)
class Wrong(BackendChoice):
    factor: float

    def make(self, name, problem, dtype):
        return Scaling(name, problem, dtype, self.factor)


class Scaling(ScratchBackend):
    def __init__(self, name, problem, dtype, factor):
        super().__init__(name, problem, dtype)
        self.factor = factor

    def step(self, x, y, *, draws, training=True):
        step = super().step(x, y, draws=draws, training=training)
        if x[0, 0] < 0:
            wrong = step.gradients["hidden_layer_1.weight"]
            wrong *= self.factor
        return step


@dataclass(frozen=True, kw_only=True)
class Broken(BackendChoice):
    def make(self, name, problem, dtype):
        return Breaking(name, problem, dtype)


class Breaking(ScratchBackend):
    def step(self, x, y, *, draws, training=True):
        if x[0, 0] < 0:
            raise RuntimeError("the pump has stopped")
        return super().step(x, y, draws=draws, training=training)
'''

DATA = """\
# Seven samples; the sixth has a negative first feature.
_target_: runner.data.inline.Inline
tokens: false
held_out: 0.0
x: [[0.1, 0.9], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6], [0.5, 0.5], [-0.6, 0.4], [0.7, 0.3]]
y: [[0.5], [0.4], [0.3], [0.2], [0.1], [0.0], [-0.1]]
"""

FILES = {
    "backend/wrong.yaml": "# @package backend.wrong\n# A factor too much.\n_target_: faulty.Wrong\nfactor: 2.0\n",
    "backend/broken.yaml": "# @package backend.broken\n# Stops.\n_target_: faulty.Broken\n",
    "data/seven.yaml": DATA,
    "architecture/small.yaml": (
        "# One hidden layer.\n_target_: runner.architectures.mlp.MLP\n"
        "hidden: [3]\nactivation: tanh\nout: 1\nlayers: null\n"
    ),
    "experiment/mine.yaml": (
        "# @package _global_\n# All of mine.\ndefaults:\n  - override /data: seven\n  - override /target: given\n"
        "  - override /architecture: small\n\nlr: 0.1\nbatch_size: 3\ntracking:\n  experiment: mine\n"
    ),
}


def furnish_own(folder: Path) -> None:
    """Writes ``faulty.py`` and the configuration folder ``own``."""
    (folder / "faulty.py").write_text(BACKENDS, encoding="utf-8")
    for name, text in FILES.items():
        path = folder / "own" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


SEVEN = ("--config-dir", "own", "data=seven", "target=given")
"""Arguments for a run over the seven samples, one a step."""
