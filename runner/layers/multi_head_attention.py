"""Multi-head attention: every position attends to all, or to those before it (torch.nn.MultiheadAttention)."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from runner.arrays import Array, Shape
from runner.errors import ConfigError
from runner.layers.base import Buffers, Layer, Mask, Parameter, constant, uniform
from runner.layers.dropout import fill_noise

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class MultiHeadAttention(Layer):
    """Self-attention of (positions, features) with ``num_heads`` heads; ``bias``: of both projections.

    ``causal``: no position attends to a later one; ``dropout``: how probably a weight is dropped while training.
    """

    num_heads: int
    bias: bool
    causal: bool
    dropout: float

    def check(self) -> None:
        if self.num_heads < 1:
            raise ConfigError("num_heads", self.num_heads, "a whole number from 1")
        if not 0 <= self.dropout <= 1:
            raise ConfigError("dropout", self.dropout, "a number from 0 to 1")

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 2 or input_shape[1] % self.num_heads:
            raise ValueError(
                f"an input of 2 axes (positions, features), the features a multiple of {self.num_heads} heads"
            )
        return input_shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        width = input_shape[1]
        # torch: the three projections by Glorot and Bengio's law for one matrix, both biases 0
        found = {"in_proj_weight": Parameter((3 * width, width), width, uniform(sqrt(6 / (4 * width))))}
        if self.bias:
            found["in_proj_bias"] = Parameter((3 * width,), width, constant(0.0))
        found["out_proj.weight"] = Parameter((width, width), width)
        if self.bias:
            found["out_proj.bias"] = Parameter((width,), width, constant(0.0))
        return found

    def masks(self, input_shape: Shape) -> dict[str, Mask]:
        positions = input_shape[0]
        return {"mask": Mask((self.num_heads, positions, positions), self.dropout)} if self.dropout else {}

    def scratch(self, buffers: Buffers) -> ScratchMultiHeadAttention:
        return ScratchMultiHeadAttention(self, buffers)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch
        from torch.nn.attention import SDPBackend, sdpa_kernel

        positions, width = input_shape
        causal = torch.ones(positions, positions, dtype=torch.bool).triu(1) if self.causal else None

        class AttentionModule(torch.nn.MultiheadAttention):
            mask: torch.Tensor | None = None

            def forward(self, x: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
                later = None if causal is None else causal.to(x.device)
                if self.mask is not None and self.training:
                    return self.with_mask(x, later, self.mask)
                with sdpa_kernel(SDPBackend.MATH):  # the fused kernel loses digits where scores are large
                    y: torch.Tensor = super().forward(x, x, x, need_weights=False, attn_mask=later)[0]
                return y

            def with_mask(self, x: torch.Tensor, later: torch.Tensor | None, mask: torch.Tensor) -> torch.Tensor:
                projected = torch.nn.functional.linear(x, self.in_proj_weight, self.in_proj_bias)
                cut = projected.reshape(*x.shape[:-1], 3, self.num_heads, self.head_dim)
                q, k, v = (part.transpose(-3, -2) for part in cut.unbind(-3))
                scores = q @ k.mT / sqrt(self.head_dim)
                p = (scores if later is None else scores.masked_fill(later, -torch.inf)).softmax(-1)
                noise = mask.to(x.dtype) / (1 - self.dropout if self.dropout < 1 else 1)
                o: torch.Tensor = self.out_proj(((p * noise) @ v).transpose(-3, -2).flatten(-2))
                return o

            def _get_name(self) -> str:
                return "MultiheadAttention"

        return AttentionModule(width, self.num_heads, dropout=self.dropout, bias=self.bias, batch_first=True)

    def describe(self, input_shape: Shape) -> str:
        width = input_shape[1]
        line = f"NonDynamicallyQuantizableLinear(in_features={width}, out_features={width}, bias={self.bias})"
        return f"MultiheadAttention(\n  (out_proj): {line}\n)"


class ScratchMultiHeadAttention:
    """x, y and delta (*replicas, batch, L, E), W (3 E, E), b (3 E), W_o (E, E), b_o (E); h heads of d numbers, E / h.

    Q, K, V, O and their gradients are (*replicas, batch, h, L, d); S, P, M and mask are (*replicas, batch, h, L, L).

    [Q K V] = x W^T + b;  S = (Q / sqrt(d)) K^T;  causal: S_ij = -inf for j > i.
    P_ij = exp(S_ij - m_i) / sum over j of exp(S_ij - m_i), m_i the largest of S_ij over j.
    M = mask / (1 - p), or 1 without dropout;  O = (P M) V;  y = O W_o^T + b_o.
    dW_o = delta^T O;  db_o = the sum of delta over batch and positions;  dO = delta W_o.
    dV = (P M)^T dO;  dP = (dO V^T) M;  dS_ij = P_ij (dP_ij - sum over j of dP_ij P_ij).
    dQ = dS K / sqrt(d);  dK = dS^T Q / sqrt(d).
    dW = [dQ dK dV]^T x;  db = the sum of [dQ dK dV] over batch and positions;  dx = [dQ dK dV] W.

    P M is element by element. In the products with W and W_o the heads stand side by side in a row of E numbers.
    Derived in docs/derivations/multi_head_attention.md.
    """

    def __init__(self, layer: MultiHeadAttention, buffers: Buffers) -> None:
        positions, width = buffers.sample
        heads, self.scale = layer.num_heads, 1 / sqrt(width // layer.num_heads)
        parameters, gradients = buffers.parameters, buffers.gradients
        self.weight, self.d_weight = parameters["in_proj_weight"], gradients["in_proj_weight"]
        self.weight_o, self.d_weight_o = parameters["out_proj.weight"], gradients["out_proj.weight"]
        names = ("in_proj_bias", "out_proj.bias") if layer.bias else ()
        self.biases = [parameters[name][..., None, :] for name in names]
        self.d_biases = [gradients[name] for name in names]
        self.later = np.triu(np.ones((positions, positions), bool), 1) if layer.causal else None

        rows = (*buffers.replicas, buffers.batch * positions)

        def by_head(array: Array, parts: int) -> list[Array]:
            """A row's parts, cut into heads: views (*replicas, batch, h, L, d)."""
            cut = array.reshape(*buffers.lead, positions, parts, heads, width // heads)
            return [cut[..., k, :, :].swapaxes(-3, -2) for k in range(parts)]

        self.x_rows = (*rows, width)
        self.qkv, self.d_qkv = buffers.empty((*rows, 3 * width)), buffers.empty((*rows, 3 * width))
        self.o, self.d_o, self.y = (buffers.empty(self.x_rows) for _ in range(3))
        (self.q, self.k, self.v), (self.dq, self.dk, self.dv) = by_head(self.qkv, 3), by_head(self.d_qkv, 3)
        (self.o_heads,), (self.d_o_heads,) = by_head(self.o, 1), by_head(self.d_o, 1)
        square = (*buffers.lead, heads, positions, positions)
        self.p, self.dp, self.of_row = buffers.empty(square), buffers.empty(square), buffers.empty((*square[:-1], 1))
        self.dropout, self.mask = layer.dropout, buffers.masks.get("mask") if buffers.training else None
        self.noise = None if self.mask is None else buffers.empty(square)
        self.weights = self.p if self.mask is None else buffers.empty(square)
        self.y_shaped = self.y.reshape(buffers.input_shape)
        self.dx = buffers.empty(self.x_rows) if buffers.input_gradient else None
        self.dx_shaped = None if self.dx is None else self.dx.reshape(buffers.input_shape)

    def forward(self, x: Array) -> Array:
        self.x = x.reshape(self.x_rows)
        np.matmul(self.x, self.weight.mT, out=self.qkv)
        if self.biases:
            np.add(self.qkv, self.biases[0], out=self.qkv)
        np.multiply(self.q, self.scale, out=self.q)
        np.matmul(self.q, self.k.mT, out=self.p)
        self._softmax()
        if self.noise is not None and self.mask is not None:
            fill_noise(self.noise, self.mask, self.dropout)
            np.multiply(self.p, self.noise, out=self.weights)
        np.matmul(self.weights, self.v, out=self.o_heads)
        np.matmul(self.o, self.weight_o.mT, out=self.y)
        if self.biases:
            np.add(self.y, self.biases[1], out=self.y)
        return self.y_shaped

    def _softmax(self) -> None:
        p, of_row = self.p, self.of_row
        if self.later is not None:
            np.copyto(p, -np.inf, where=self.later)
        np.maximum.reduce(p, axis=-1, keepdims=True, out=of_row)
        np.subtract(p, of_row, out=p)
        np.exp(p, out=p)
        np.add.reduce(p, axis=-1, keepdims=True, out=of_row)
        np.divide(p, of_row, out=p)

    def backward(self, delta: Array) -> Array:
        delta_rows = delta.reshape(self.x_rows)
        np.matmul(delta_rows.mT, self.o, out=self.d_weight_o)
        np.matmul(delta_rows, self.weight_o, out=self.d_o)
        self._through_attention()
        np.matmul(self.d_qkv.mT, self.x, out=self.d_weight)
        for d_bias, rows in zip(self.d_biases, (self.d_qkv, delta_rows), strict=False):
            np.add.reduce(rows, axis=-2, out=d_bias)
        if self.dx is None or self.dx_shaped is None:
            return delta
        np.matmul(self.d_qkv, self.weight, out=self.dx)
        return self.dx_shaped

    def _through_attention(self) -> None:
        """From dO to dQ, dK and dV. (Q holds Q / sqrt(d) since the forward pass.)"""
        p, dp, of_row = self.p, self.dp, self.of_row
        np.matmul(self.weights.mT, self.d_o_heads, out=self.dv)
        np.matmul(self.d_o_heads, self.v.mT, out=dp)
        if self.noise is not None:
            np.multiply(dp, self.noise, out=dp)
        np.vecdot(dp, p, out=of_row[..., 0])
        np.subtract(dp, of_row, out=dp)
        np.multiply(dp, p, out=dp)
        np.matmul(dp, self.k, out=self.dq)
        np.multiply(self.dq, self.scale, out=self.dq)
        np.matmul(dp.mT, self.q, out=self.dk)
