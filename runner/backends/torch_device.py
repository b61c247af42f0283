"""Where a torch backend computes and how: the devices there are, the settings of CUDA, what a run records of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.arrays import DTYPES
from runner.errors import ConfigError

if TYPE_CHECKING:
    import torch

CPU = "cpu"
AMPERE = (8, 0)
"""The first compute capability of CUDA whose tensor cores multiply in TF32."""

WORKSPACE = ("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
"""Without it cuBLAS may take another kernel the second time; it reads it when it is first used."""


@dataclass(frozen=True)
class Device:
    """A device by torch's name of it; with ``tf32`` CUDA multiplies float32 numbers in TF32.

    TF32 keeps 10 of a factor's 23 bits of mantissa, and sums in float32.
    """

    name: str = CPU
    tf32: bool = False

    @property
    def kind(self) -> str:
        """Without the number: cpu, cuda or mps."""
        return self.name.partition(":")[0]

    def check(self) -> None:
        """Raises ConfigError where this machine has no such device, or the device no TF32."""
        if self.name != CPU:
            import torch

            found = devices()
            if self.name not in found:
                allowed = f"{', '.join(found)} (what this machine has, with torch {torch.__version__})"
                raise ConfigError("device", self.name, allowed)
        if self.tf32 and not self._has_tf32():
            raise ConfigError("tf32", "true", f"false on {self.name}, where it does nothing")

    def check_dtype(self, dtype: np.dtype[Any]) -> None:
        """Raises ConfigError where a run in ``dtype`` is not what the device computes, or TF32 does nothing in it."""
        if not self.has(dtype):
            raise ConfigError(
                "device", f"{self.name} with dtype={dtype.name}", f"{CPU}: {self.name} has no {dtype.name}"
            )
        if self.tf32 and not self.rounds_factors(dtype):
            raise ConfigError("tf32", f"true with dtype={dtype.name}", "false: TF32 is for float32")

    def has(self, dtype: np.dtype[Any]) -> bool:
        """Whether it computes in ``dtype``: Metal has no float64."""
        return not (self.kind == "mps" and dtype == DTYPES["float64"])

    def rounds_factors(self, dtype: np.dtype[Any]) -> bool:
        """Whether the factors of products are rounded to TF32 in ``dtype``."""
        return self.tf32 and dtype == DTYPES["float32"]

    def for_dtype(self, dtype: np.dtype[Any]) -> Device:
        """Itself; the CPU for what it does not compute in: the twin in float64 of a run on Metal."""
        return self if self.has(dtype) else Device()

    def settings(self) -> AbstractContextManager[None]:
        """What is to hold while a backend computes on it: see ``cuda_settings``; of other devices nothing."""
        return cuda_settings(self.tf32) if self.kind == "cuda" else nullcontext()

    def set_mode(self, module: torch.nn.Module, training: bool) -> None:
        """Sets training or evaluation mode.

        A recurrent layer of the project computes the same in both, and cuDNN goes back through it in training alone.
        """
        import torch

        module.train(training)
        for part in module.modules() if self.kind == "cuda" and not training else ():
            if isinstance(part, torch.nn.RNNBase):
                part.train()

    def described(self) -> dict[str, Any]:
        """What environment.json says of it; nothing of the CPU, which it names anyhow."""
        if self.kind == CPU:
            return {}
        import torch

        if self.kind != "cuda":
            return {"device": self.name}
        capability = ".".join(map(str, torch.cuda.get_device_capability(self.name)))
        return {
            "device": self.name,
            "name": torch.cuda.get_device_name(self.name),
            "capability": capability,
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
            "tf32": self.tf32,
        }

    def _has_tf32(self) -> bool:
        if self.kind != "cuda":
            return False
        import torch

        return torch.cuda.get_device_capability(self.name) >= AMPERE


def devices() -> list[str]:
    """The names of the devices that torch can compute on here, the CPU first."""
    import torch

    found = [CPU]
    if torch.cuda.is_available():
        found += ["cuda", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        found.append("mps")
    return found


@contextmanager
def cuda_settings(tf32: bool) -> Iterator[None]:
    """Sets how CUDA computes in a ``with`` block, and puts back what was set before: it holds for the whole process.

    TF32 in products and convolutions as told (torch's own default is off in the one and on in the other); products of
    16-bit numbers summed in float32 throughout; kernels that give the same bits each time, where torch has them (where
    it has none it warns), and none chosen by a race.
    """
    import torch

    os.environ.setdefault(*WORKSPACE)
    products, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    wanted: list[tuple[Any, str, bool]] = [
        (products, "allow_tf32", tf32),
        (cudnn, "allow_tf32", tf32),
        (products, "allow_fp16_reduced_precision_reduction", False),
        (products, "allow_bf16_reduced_precision_reduction", False),
        (cudnn, "deterministic", True),
        (cudnn, "benchmark", False),
    ]
    before = [(part, key, getattr(part, key)) for part, key, _ in wanted]
    same_bits = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    try:
        for part, key, value in wanted:
            setattr(part, key, value)
        torch.use_deterministic_algorithms(True, warn_only=True)
        yield
    finally:
        torch.use_deterministic_algorithms(same_bits, warn_only=warn_only)
        for part, key, value in before:
            setattr(part, key, value)
