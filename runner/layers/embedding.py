"""Embedding: a row of a table for every token (torch.nn.Embedding)."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from runner.arrays import Array, Shape
from runner.errors import ConfigError
from runner.layers.base import Buffers, Layer, Parameter

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Embedding(Layer):
    """W (num_embeddings, embedding_dim); ``padding_idx``: the token whose row begins at 0 and has no gradient."""

    num_embeddings: int
    embedding_dim: int
    padding_idx: int | None

    takes_indices: ClassVar[bool] = True

    def check(self) -> None:
        for key in ("num_embeddings", "embedding_dim"):
            if getattr(self, key) < 1:
                raise ConfigError(key, getattr(self, key), "a whole number from 1")
        n = self.num_embeddings
        if self.padding_idx is not None and not -n <= self.padding_idx < n:
            raise ConfigError("padding_idx", self.padding_idx, f"null or a whole number from {-n} to {n - 1}")

    def output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape, self.embedding_dim)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        return {"weight": Parameter((self.num_embeddings, self.embedding_dim), self.embedding_dim, self._law)}

    def _law(self, rng: np.random.Generator, shape: Shape) -> Array:
        """N(0, 1); 0 in the row of ``padding_idx``."""
        values = rng.standard_normal(shape)
        if self.padding_idx is not None:
            values[self.padding_idx] = 0
        return values

    def check_input(self, x: Array) -> None:
        bad = np.flatnonzero((x < 0) | (x >= self.num_embeddings))
        if bad.size:
            sample, token = int(bad[0]) // prod(x.shape[1:]), int(x.reshape(-1)[bad[0]])
            where = "below 0" if token < 0 else f"beyond the vocabulary of {self.num_embeddings}"
            raise ValueError(f"a token {token} in sample {sample}, {where}")

    def scratch(self, buffers: Buffers) -> ScratchEmbedding:
        return ScratchEmbedding(self, buffers)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        return torch.nn.Embedding(self.num_embeddings, self.embedding_dim, padding_idx=self.padding_idx)

    def describe(self, input_shape: Shape) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx % self.num_embeddings}"
        return f"Embedding({self.num_embeddings}, {self.embedding_dim}{padding})"


class ScratchEmbedding:
    """x (*replicas, batch, *positions) whole numbers, W (vocabulary, width), y and delta (*x.shape, width).

    y_s = W_(x_s);  dW_v = the sum of delta_s over all places s where x_s = v.

    The row of padding_idx has the gradient 0. The input has no gradient: delta is handed back. The replicas' tables are
    worked on as one; where they do not lie one after the other in memory, on a copy of them.
    Derived in docs/derivations/embedding.md.
    """

    def __init__(self, layer: Embedding, buffers: Buffers) -> None:
        self.weight, self.d_weight = buffers.parameters["weight"], buffers.gradients["weight"]
        self.table = self.weight if self.weight.flags.c_contiguous else buffers.empty(self.weight.shape)
        self.sums = self.d_weight if self.d_weight.flags.c_contiguous else buffers.empty(self.weight.shape)
        self.padding, (vocabulary, width) = layer.padding_idx, self.weight.shape[-2:]
        self.table_rows, self.sums_flat = self.table.reshape(-1, width), self.sums.reshape(-1)
        replicas = buffers.replicas
        after = (1,) * (len(buffers.input_shape) - len(replicas))
        self.first = vocabulary * np.arange(prod(replicas)).reshape(*replicas, *after)
        self.rows = np.empty(buffers.input_shape, np.intp)
        self.column = np.arange(width)
        self.places = np.empty((*buffers.input_shape, width), np.intp)
        self.y = buffers.empty((*buffers.input_shape, width))

    def forward(self, x: Array) -> Array:
        np.add(x, self.first, out=self.rows)
        if self.table is not self.weight:
            np.copyto(self.table, self.weight)
        # any mode but "raise" lets take write into y at once
        return np.take(self.table_rows, self.rows, axis=0, out=self.y, mode="clip")

    def backward(self, delta: Array) -> Array:
        np.multiply(self.rows[..., None], len(self.column), out=self.places)
        np.add(self.places, self.column, out=self.places)
        self.sums[...] = 0
        np.add.at(
            self.sums_flat, self.places.reshape(-1), delta.reshape(-1)
        )  # by element: NumPy is fast on flat arrays
        if self.padding is not None:
            self.sums[..., self.padding, :] = 0
        if self.sums is not self.d_weight:
            np.copyto(self.d_weight, self.sums)
        return delta
