"""The torch_compiled backend: the torch backend's network, forward and backward compiled by torch.compile."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from runner.arrays import Array
from runner.backends.base import Backend, Problem
from runner.backends.torch import Torch, TorchBackend
from runner.errors import ConfigError

if TYPE_CHECKING:
    import torch

COMPILERS = ("c++", "g++", "clang++")


@dataclass(frozen=True, kw_only=True)
class TorchCompiled(Torch):
    """PyTorch through torch.compile with its defaults, which needs a C++ compiler on the CPU, and on CUDA Triton."""

    stacks: ClassVar[bool] = False

    def check(self) -> None:
        super().check()
        if self.place.kind == "cuda" and find_spec("triton") is None:
            raise ConfigError("_target_", "torch.compile for CUDA without Triton", "an environment that has Triton")
        own = os.environ.get("CXX")
        if not any(map(shutil.which, [own] if own else COMPILERS)):
            got = f"torch.compile without a C++ compiler ({'CXX=' + own if own else 'none on the PATH'})"
            raise ConfigError("_target_", got, f"a machine with one of {', '.join(COMPILERS)}, or CXX set to one")

    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        return CompiledBackend(name, problem, dtype, problem.network.torch(), {}, self.place.for_dtype(dtype))


class CompiledBackend(TorchBackend):
    """Autograd's backward pass is compiled with the forward pass; loss, clipping and optimizer are as of torch."""

    def predict(self, x: Array) -> torch.Tensor:
        import torch

        if self._compiled is None:
            self._compiled = torch.compile(self._module)
        prediction: torch.Tensor = self._compiled(self._tensor(x))
        return prediction

    _compiled: Any = None
