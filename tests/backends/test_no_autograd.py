"""The NumPy side knows no autograd package: it works where none can be imported."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import runner
from tests.backends.alone import digests
from tests.helpers import copied, make_setup, same_bits

PACKAGES = ("torch", "jax", "autograd", "tensorflow", "tinygrad", "mxnet", "paddle", "theano", "aesara", "casadi")
BLOCKED = (*PACKAGES, "scipy.optimize")
ROOT = Path(runner.__file__).parent

BLOCKER = """
import json, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if any(f"{name}.".startswith(f"{blocked}.") for blocked in BLOCKED):
            raise ImportError(f"{name} is blocked")

BLOCKED = set(json.loads(sys.argv[1]))
sys.meta_path.insert(0, Blocker())
"""

PROGRAM = """
try:
    import torch
except ImportError:
    pass
else:
    raise SystemExit("torch was not blocked")

from tests.helpers import make_setup
setup = make_setup("backend=[scratch,torch]", "data.samples=6", "dtype=" + sys.argv[2])
backend = setup.backends["scratch"].make("scratch", setup.problem, setup.dtype)
backend.load(setup.initial)
found = []
for _ in range(3):
    step = backend.step(setup.x, setup.y, draws={})
    found.append({name: value.tobytes().hex() for name, value in step.gradients.items()})
    backend.update()
loaded = sorted(BLOCKED & set(sys.modules))
print(json.dumps({"gradients": found, "loaded": loaded}))
"""

ALONE = """
from tests.backends.alone import digests
print(json.dumps({"digests": digests(), "loaded": sorted(BLOCKED & set(sys.modules))}))
"""


def where_blocked(program: str, *arguments: str) -> Any:
    """What the program prints where no autograd package can be imported."""
    command = [sys.executable, "-c", BLOCKER + program, json.dumps(BLOCKED), *arguments]
    kernels = {name: value for name, value in os.environ.items() if name.startswith("OPENBLAS_")}
    env = kernels | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT.parent, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["loaded"] == []
    return found


def test_every_layer_loss_and_optimizer_works_without_them() -> None:
    with np.errstate(all="ignore"):
        assert where_blocked(ALONE)["digests"] == digests()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scratch_gives_the_same_gradients_where_torch_cannot_be_imported(dtype: str) -> None:
    found = where_blocked(PROGRAM, dtype)
    setup = make_setup("backend=[scratch,torch]", "data.samples=6", f"dtype={dtype}")
    backend = setup.backends["scratch"].make("scratch", setup.problem, setup.dtype)
    backend.load(setup.initial)
    for gradients in found["gradients"]:
        here = copied(backend.step(setup.x, setup.y, draws={})).gradients
        assert here.keys() == gradients.keys()
        for name, text in gradients.items():
            there = np.frombuffer(bytes.fromhex(text), setup.dtype).reshape(here[name].shape)
            assert same_bits(there, here[name]), name
        backend.update()


def lines_that_import(node: ast.AST) -> list[int]:
    """Lines that import an autograd package, outside of methods named torch and of what is there for types alone."""
    if isinstance(node, ast.FunctionDef) and node.name == "torch":
        return []
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return []
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    if any(name.partition(".")[0] in PACKAGES for name in names):
        return [getattr(node, "lineno", 0)]
    return [line for child in ast.iter_child_nodes(node) for line in lines_that_import(child)]


FOLDERS = ("layers", "losses", "optimizers", "schedules", "clipping", "data", "architectures", "comparison")
OVER_TORCH = "torch_noise.py"
"""Lays noise over torch's own operations: taken only for a network that torch alone computes."""

FILES = [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.py")) if file.name != OVER_TORCH]


@pytest.mark.parametrize(
    "file",
    [*FILES, ROOT / "backends/scratch.py", ROOT / "network.py"],
    ids=lambda file: f"{file.parent.name}/{file.name}",
)
def test_an_autograd_package_is_imported_by_the_twins_alone(file: Path) -> None:
    assert lines_that_import(ast.parse(file.read_text(encoding="utf-8"))) == []
