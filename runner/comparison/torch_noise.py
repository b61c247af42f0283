"""Noise over torch's own operations, for a module that the project's layers do not cover."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch._decomp import get_decompositions
from torch.utils._python_dispatch import TorchDispatchMode

# fmt: off
MAKING = [
    "empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided", "zeros", "zeros_like",
    "new_zeros", "ones", "ones_like", "new_ones", "full", "full_like", "new_full", "fill", "zero", "scalar_tensor",
    "arange", "eye", "rand", "rand_like", "randn", "randn_like", "randint", "randint_like", "randperm", "bernoulli",
    "uniform", "normal", "log_normal", "random", "exponential", "geometric", "cauchy", "multinomial", "poisson",
]
MOVING = [
    "_unsafe_view", "_reshape_alias", "_reshape_copy", "view_copy", "alias_copy", "detach", "detach_copy",
    "expand_copy", "permute_copy", "transpose", "transpose_copy", "t", "t_copy", "squeeze", "squeeze_copy",
    "unsqueeze", "unsqueeze_copy", "swapaxes", "slice_copy", "slice_backward", "slice_scatter", "select_copy",
    "select_backward", "select_scatter", "split_copy", "split_with_sizes_copy", "unsafe_split", "unsafe_chunk",
    "unsafe_split_with_sizes", "unbind_copy", "unfold_copy", "as_strided", "as_strided_copy", "as_strided_scatter",
    "diagonal_copy", "diagonal_backward", "diagonal_scatter", "diag_embed", "cat", "stack", "clone", "copy",
    "_to_copy", "lift", "lift_fresh_copy", "set", "resize", "resize_as", "repeat", "roll", "flip", "rot90", "tril",
    "triu", "im2col", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "constant_pad_nd", "reflection_pad1d",
    "reflection_pad2d", "reflection_pad3d", "replication_pad1d", "replication_pad2d", "replication_pad3d",
    "upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "max_unpool2d", "max_unpool3d", "embedding",
    "gather", "take", "index", "_unsafe_index", "index_select", "index_fill", "index_copy", "masked_fill",
    "masked_scatter", "masked_select", "where", "_conj_physical", "_local_scalar_dense",
]
CHOOSING = [
    "neg", "positive", "abs", "sign", "sgn", "signbit", "copysign", "relu", "threshold", "threshold_backward",
    "hardtanh", "hardtanh_backward", "hardshrink", "hardshrink_backward", "clamp", "clamp_min", "clamp_max", "floor",
    "ceil", "round", "trunc", "fmod", "heaviside", "nan_to_num", "max", "min", "amax", "amin", "aminmax", "maximum",
    "minimum", "fmax", "fmin", "cummax", "cummin", "_cummax_helper", "_cummin_helper", "sort", "topk", "kthvalue",
    "median", "nanmedian", "mode", "max_pool2d_with_indices", "max_pool3d_with_indices", "adaptive_max_pool2d",
    "adaptive_max_pool3d", "unique_dim", "_unique2", "eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or",
    "logical_not", "logical_xor",
]
# fmt: on
EXACT = frozenset([*MAKING, *MOVING, *CHOOSING])
"""Operations that make, move or choose values and round none, besides all those that return a view."""

PLACING = frozenset(["index_put", "_index_put_impl", "_unsafe_index_put", "put", "scatter"])
"""Operations that move values, unless they are told to accumulate or to reduce."""

PARTIAL = PLACING | {"index_add", "scatter_add", "scatter_reduce", "index_reduce", "embedding_renorm"}
"""Operations that change some elements of their first operand and leave the others as they are."""

# fmt: off
SUMMING = frozenset([
    "sum", "nansum", "mean", "var", "var_mean", "std", "std_mean", "cumsum", "cumprod", "logcumsumexp", "prod",
    "logsumexp", "trace", "dist", "renorm", "mm", "bmm", "mv", "dot", "vdot", "addmm", "addbmm", "baddbmm", "addmv",
    "_addmm_activation", "linear", "linear_backward", "_trilinear", "linalg_cross", "col2im", "unfold_backward",
    "embedding_dense_backward", "binary_cross_entropy", "binary_cross_entropy_with_logits", "index_add",
    "scatter_add", "scatter_reduce", "segment_reduce", "bincount",
])
# fmt: on
"""Operations that add or multiply up many terms: their operands err too, so that each term has its own error."""

# fmt: off
SUMMING_FAMILIES = (
    "norm", "softmax", "conv", "attention", "lstm", "gru", "rnn", "_loss", "pool", "upsample", "pdist", "cdist",
    "embedding_bag", "linalg_", "cholesky", "triangular", "_fft", "grid_sampler", "pad1d_backward", "pad2d_backward",
    "pad3d_backward",
)
# fmt: on
"""Parts of the names of kernels that sum inside, and of their backwards."""

LOSS_BACKWARD = "_loss_backward"
"""These do not sum, whatever the loss does."""

COMPOSED = get_decompositions(
    [getattr(torch.ops.aten, name) for name in ("gelu", "gelu_backward", "addcmul", "addcdiv", "lerp")]
)
"""Kernels with a sum inside that can cancel, such as gelu's 1 + erf: taken apart by torch's own decompositions."""

HIDDEN = frozenset(["running_mean", "running_var"])
"""Operands that a kernel changes though its schema may not say so: it must be given them, not copies that err."""

_FIRST, _SECOND, _LOW_BITS = 0x9E3779B97F4A7C15 - 2**64, 0xBF58476D1CE4E5B9 - 2**64, 2**35 - 1


class TorchNoise(TorchDispatchMode):
    """Inside its ``with`` block every float64 result that torch rounds errs by plus or minus ``error``, relatively.

    Monte Carlo arithmetic (D. S. Parker, 1997) with a sign that is a hash of the value's bits, the operation and the
    ``run``, as in noisy.py: equal computations err equally, exact ties stay ties, and a run can be repeated to the
    bit. The operands of what sums err too, in fused kernels as well; of what a fused kernel rounds on its way nothing
    else is seen. Autograd's operations go through the mode as well: the backward must be inside the block. In-place
    operations err in place, views stay views, and other dtypes (integers, booleans, float32) are left alone.

    Args:
        error: The relative error, such as 4 * 2^-53.
        run: The number of the run.
        near_zero: Whether results that are exactly 0 fall on either side of it, at 1e-250.
        apart: Whether the sign is a hash of the place in the tensor too: equal values err apart, and ties part.
    """

    def __init__(self, error: float, run: int, near_zero: bool = False, *, apart: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.error, self.run, self.near_zero, self.apart = error, run, near_zero, apart

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        # Torch takes the mode off while this runs: nothing that is called here comes back here.
        kwargs, schema = kwargs or {}, func._schema
        if func in COMPOSED and args[0].dtype == torch.float64 and not schema.is_mutable:
            with self:
                return COMPOSED[func](*args, **kwargs)
        name = schema.name.removeprefix("aten::").rstrip("_")
        given = dict(zip((a.name for a in schema.arguments), args, strict=False)) | dict(kwargs)
        if _is_exact(name, schema, given):
            return func(*args, **kwargs)
        written = {a.name for a in schema.arguments if _writes(a)}
        before = given["self"].clone() if name in PARTIAL else None
        if name in SUMMING or (any(f in name for f in SUMMING_FAMILIES) and not name.endswith(LOSS_BACKWARD)):
            erring = {k: v if k in written | HIDDEN else self._noisy(v, f"{name} operand") for k, v in given.items()}
            args, kwargs = [erring[a.name] for a in schema.arguments[: len(args)]], {k: erring[k] for k in kwargs}
        result = func(*args, **kwargs)
        for key in written:
            _copy(given.get(key), self._noisy(given.get(key), name, before))
        if len(schema.returns) < 2:
            return result if any(_writes(r) for r in schema.returns) else self._noisy(result, name, before)
        pairs = zip(schema.returns, result, strict=True)
        return tuple(value if _writes(r) else self._noisy(value, name) for r, value in pairs)

    def _noisy(self, value: Any, operation: str, before: torch.Tensor | None = None) -> Any:
        """Float64 values with an error each, in new tensors, but those that are as they were ``before``.

        Lists and tuples are gone through; anything else is returned as it is.
        """
        if isinstance(value, list | tuple):
            return type(value)(self._noisy(item, operation) for item in value)
        if not isinstance(value, torch.Tensor) or value.layout != torch.strided:
            return value
        if value.dtype == torch.complex128:
            return torch.view_as_complex(self._noisy(torch.view_as_real(value.resolve_conj()), operation))
        if value.dtype != torch.float64:
            return value
        shaken = value
        if self.near_zero:
            shaken = torch.where(value == 0, self._signs(_places(value), "zero") * 1e-250, value)
        bits = shaken.view(torch.int64)
        shaken = shaken * (1 + self.error * self._signs(bits ^ _places(value) if self.apart else bits, operation))
        return shaken if before is None else torch.where(value == before, value, shaken)

    def _signs(self, bits: torch.Tensor, operation: str) -> torch.Tensor:
        """Plus or minus 1 for every one of the int64 ``bits``, in float64: the top bit of their hash."""
        salt = (zlib.crc32(operation.encode()) * 0x9E3779B1 + self.run * 0x85EBCA6B) % 2**64
        h = (bits ^ (salt - 2**64 if salt >= 2**63 else salt)) * _FIRST
        h = (h ^ ((h >> 29) & _LOW_BITS)) * _SECOND
        return 1 + 2 * (h >> 63).to(torch.float64)


def _places(value: torch.Tensor) -> torch.Tensor:
    """The number of every element, from 1 on."""
    return torch.arange(1, value.numel() + 1, device=value.device).reshape(value.shape)


def _is_exact(name: str, schema: Any, given: Mapping[str, Any]) -> bool:
    if name in PLACING:
        return not given.get("accumulate") and given.get("reduce") is None
    view = any(r.alias_info is not None and not r.alias_info.is_write for r in schema.returns)
    return view or name in EXACT


def _writes(argument: Any) -> bool:
    return argument.alias_info is not None and argument.alias_info.is_write


def _copy(target: Any, source: Any) -> None:
    """Copies a tensor, or every one of a list."""
    if isinstance(target, torch.Tensor):
        target.copy_(source)
    for one, other in zip(target, source, strict=True) if isinstance(target, list | tuple) else ():
        _copy(one, other)
