"""Mistakes made with finished gradients: signs, exchanged names, clipping, decay, accumulation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import combinations
from math import isclose

import numpy as np

from runner.arrays import Array
from runner.comparison.mistakes.base import Alteration, AtEnd, Gradients, Passage

RIGHT = "what is returned for a parameter is dL/d(parameter) of this batch, at the parameters that were given"
SIGNIFICANT = 6
"""Digits of a factor that a person would have written."""

TORCH_ADDS = 1e-6

FITTED = {
    "weight_decay": "c times the parameter itself is added to the gradient (weight decay); c is read off",
    "clipped_by_norm": "the gradients are clipped to a norm of c, as they are or as torch does it; c is read off",
    "tensor_clipped_by_norm": "the gradient of one parameter is clipped to a norm of c; c is read off",
    "clipped_by_value": "the gradients are clipped to +-c; c is read off",
    "gradients_accumulated": "c times the gradients of the step before are added, 1 where they are not set to 0",
}
"""The mistakes with a number in them, in words for any number."""


def whole(passage: Passage) -> Iterator[Alteration]:
    """What needs no number of the observed gradients to be computed."""
    lr = passage.problem.lr
    yield _each("gradient_times_lr", "the gradients are multiplied by the learning rate", lambda name, g, p: lr * g)
    yield _each(
        "update_for_gradient",
        "the update -lr dL/dW is returned in place of the gradient",
        lambda name, g, p: -lr * g,
    )
    yield _each(
        "parameters_for_gradient",
        "the updated parameters W - lr dL/dW are returned in place of the gradients",
        lambda name, g, p: p - lr * g,
    )
    yield _each("gradient_signs_alone", "only the signs of the gradients are returned", lambda name, g, p: np.sign(g))
    yield _each("gradient_sizes_alone", "the gradients are returned without their signs", lambda name, g, p: abs(g))
    yield _each("gradients_forgotten", "all gradients are 0: none is computed", lambda name, g, p: 0 * g, zeros=True)
    for name in passage.parameters:
        yield _one("tensor_sign", name, f"the gradient of {name} has the wrong sign", lambda g: -g)
        forgotten = f"the gradient of {name} is 0: it is never computed"
        yield _one("tensor_forgotten", name, forgotten, lambda g: 0 * g, zeros=True)
        yield _one("tensor_doubled", name, f"the gradient of {name} is doubled", lambda g: 2 * g)
        yield _one("tensor_halved", name, f"the gradient of {name} is halved", lambda g: g / 2)
    for a, b in combinations(passage.parameters, 2):
        if passage.parameters[a].shape == passage.parameters[b].shape:
            yield Alteration(
                "tensors_exchanged", f"the gradients of {a} and {b} are exchanged", RIGHT, end=_exchange(a, b)
            )


def fitted(passage: Passage, right: Mapping[str, Array], seen: Mapping[str, Array]) -> Iterator[Alteration]:
    """Mistakes with a number in them, which is read off the observed gradients ``seen``."""
    weights = [name for name in seen if name.endswith("weight")]
    for names, what in ((list(seen), "every parameter"), (weights, "every weight")):
        decay = _factor(names, {n: seen[n] - right[n] for n in names}, passage.parameters)
        if decay:
            yield Alteration(
                "weight_decay",
                f"{decay:g} times the parameter itself is added to the gradient of {what} (weight decay)",
                RIGHT,
                end=_adding(names, decay),
            )
    norm, full = _norm(seen.values()), _norm(right.values())
    for added in (0.0, TORCH_ADDS):  # torch.nn.utils.clip_grad_norm_ divides by the norm + 1e-6
        limit = norm * (full + added) / full if full else 0.0
        if 0 < norm < full and isclose(limit, _written(limit), rel_tol=1e-9):
            sentence = f"the gradients are clipped to a norm of {_written(limit):g}"
            yield Alteration("clipped_by_norm", sentence, RIGHT, end=_scaled_to(_written(limit), added))
    for name, value in seen.items():
        own = _norm([value])
        if np.count_nonzero(value) > 1 and own < _norm([right[name]]) and isclose(own, _written(own), rel_tol=1e-9):
            sentence = f"the gradient of {name} is clipped to a norm of {_written(own):g}"
            yield Alteration("tensor_clipped_by_norm", sentence, RIGHT, end=_scaled_to(own, 0.0, name))
    top = max((float(np.abs(g).max(initial=0.0)) for g in seen.values()), default=0.0)
    limited = sum(int((np.abs(g) == top).sum()) for g in seen.values())
    if 0 < top == _written(top) and limited > 1:
        yield _each(
            "clipped_by_value", f"the gradients are clipped to +-{top:g}", lambda name, g, p: np.clip(g, -top, top)
        )


def of_previous(
    previous: Mapping[str, Array], right: Mapping[str, Array], seen: Mapping[str, Array]
) -> Iterator[Alteration]:
    """Mistakes that need the gradients of the step before."""
    yield Alteration(
        "gradients_of_last_step",
        "the gradients are those of the step before",
        RIGHT,
        end=lambda passage, gradients: dict(previous),
    )
    names = list(seen)
    factor = _factor(names, {n: seen[n] - right[n] for n in names}, previous)
    if factor:
        words = "are not set to 0 before" if factor == 1 else f"keep {factor:g} times those of the step before in"
        yield Alteration(
            "gradients_accumulated",
            f"the gradients {words} this step",
            RIGHT,
            end=lambda passage, gradients: {n: g + factor * previous[n] for n, g in gradients.items()},
        )


def _each(name: str, sentence: str, change: Callable[[str, Array, Array], Array], zeros: bool = False) -> Alteration:
    def end(passage: Passage, gradients: Gradients) -> Gradients:
        return {n: change(n, g, passage.parameters[n]) for n, g in gradients.items()}

    return Alteration(name, sentence, RIGHT, end=end, zeros=zeros)


def _one(name: str, parameter: str, sentence: str, change: Callable[[Array], Array], zeros: bool = False) -> Alteration:
    def end(passage: Passage, gradients: Gradients) -> Gradients:
        return gradients | {parameter: change(gradients[parameter])}

    return Alteration(name, sentence, RIGHT, end=end, tensor=parameter, zeros=zeros)


def _exchange(a: str, b: str) -> AtEnd:
    return lambda passage, gradients: gradients | {a: gradients[b], b: gradients[a]}


def _adding(names: list[str], factor: float) -> AtEnd:
    return lambda passage, gradients: gradients | {n: gradients[n] + factor * passage.parameters[n] for n in names}


def _scaled_to(norm: float, added: float, name: str | None = None) -> AtEnd:
    def end(passage: Passage, gradients: Gradients) -> Gradients:
        names = list(gradients) if name is None else [name]
        total = sum((np.add.reduce(np.square(gradients[n]).reshape(-1)) for n in names), start=np.float64(0))
        factor = norm / (np.sqrt(total) + added)
        return gradients | {n: factor * gradients[n] for n in names}

    return end


def _norm(values: Iterable[Array]) -> float:
    return float(np.sqrt(sum(float(np.square(v).sum()) for v in values)))


def _factor(names: list[str], difference: Mapping[str, Array], of: Mapping[str, Array]) -> float:
    """c in difference = c * of, by least squares, as a person would have written it; 0 where it is no such number."""
    d = np.concatenate([np.ravel(difference[n]) for n in names]) if names else np.zeros(1)
    v = np.concatenate([np.ravel(np.asarray(of[n])) for n in names]) if names else np.zeros(1)
    square = float(v @ v)
    c = float(d @ v) / square if square > 0 else 0.0
    return _written(c) if np.isfinite(c) and isclose(c, _written(c), rel_tol=1e-7) else 0.0


def _written(value: float) -> float:
    """The value to the few digits that a person writes."""
    return float(f"{value:.{SIGNIFICANT - 1}e}")
