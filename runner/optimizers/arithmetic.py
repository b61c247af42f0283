"""The compound operations that optimizers are written in, on flat vectors and in place."""

from __future__ import annotations

import numpy as np

from runner.arrays import Array, in_single, is_narrow, working

Rate = float | Array
"""A learning rate, or what is computed from one: a number, or one a replica (*replicas, 1)."""


class Arithmetic:
    """y <- y + a x and its like for vectors of one shape and dtype, over one working vector.

    Torch's own functions of a tensor, with the order of their operations. In 16 bits each of them computes in float32
    and rounds what it writes once, which is what torch's kernels do; they round a number that is added, or that a
    summand is multiplied by, to the dtype before.
    """

    def __init__(self, like: Array) -> None:
        self.dtype, self.narrow = like.dtype, is_narrow(like.dtype)
        self.work = working(np.empty_like(like))
        self.subtract = in_single(np.subtract, like.dtype)
        self._last: tuple[Rate, Rate] | None = None

    def number(self, value: Rate) -> Rate:
        """A factor that makes no result wider than the vectors are."""
        if type(value) is float and not self.narrow:
            return value
        return np.asarray(value, np.float32 if self.narrow else self.dtype)

    def rounded(self, value: Rate) -> Rate:
        """A summand, or the factor of one, rounded to the vectors' dtype."""
        return self.number(np.asarray(value).astype(self.dtype)) if self.narrow else self.number(value)

    def factor(self, value: Rate) -> Rate:
        """``rounded``, as an array and kept until the next value: row 2-10-10-1, batch 1, of benchmarks/tables.py."""
        if self._last is None or self._last[0] is not value:
            self._last = (value, np.asarray(self.rounded(value), self.work.dtype))
        return self._last[1]

    def add_scaled(self, y: Array, x: Array, factor: Rate, out: Array) -> Array:
        """out <- y + factor x (torch.add with alpha)."""
        np.multiply(x, self.rounded(factor), out=self.work)
        return np.add(y, self.work, out=out)

    def scale(self, y: Array, factor: Rate) -> None:
        """y <- factor y (mul_)."""
        np.multiply(y, self.number(factor), out=y)

    def add_square(self, y: Array, x: Array, factor: Rate) -> None:
        """y <- y + factor x x (addcmul_)."""
        np.multiply(x, self.number(factor), out=self.work)
        np.multiply(self.work, x, out=self.work)
        np.add(y, self.work, out=y)

    def add_quotient(self, y: Array, a: Array, b: Array, factor: Rate) -> None:
        """y <- y + factor a / b (addcdiv_)."""
        np.multiply(a, self.number(factor), out=self.work)
        np.divide(self.work, b, out=self.work)
        np.add(y, self.work, out=y)

    def move(self, y: Array, x: Array, part: float) -> None:
        """y <- y + part (x - y) (lerp_), from the nearer end."""
        work = self.subtract(x, y, out=self.work)
        if part < 0.5:
            np.multiply(work, self.number(part), out=work)
            np.add(y, work, out=y)
        else:
            np.multiply(work, self.number(1 - part), out=work)
            self.subtract(x, work, out=y)
