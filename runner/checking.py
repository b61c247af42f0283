"""The verdict from Python: ``check`` a backpropagation of your own, in a test or in a notebook."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner.arrays import Array, Shape
    from runner.assemble import Setup
    from runner.backends.base import BackendChoice
    from runner.comparison.summary import RunVerdict

Pair = tuple[Callable[..., Any], Callable[..., Any]]


class DisagreementError(AssertionError):
    """The backends do not agree; its text is the whole verdict."""


@dataclass(frozen=True, repr=False)
class Verdict:
    """What was found, readable when printed, and as HTML in a notebook.

    Attributes:
        run: Every figure of it (see ``runner.comparison.summary.RunVerdict``).
        backends: The names of what was compared; the last is the reference.
    """

    run: RunVerdict
    backends: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """agree, imprecise, undecided, diverged or mismatch."""
        return self.run.verdict

    @property
    def agree(self) -> bool:
        return self.run.agree

    @property
    def causes(self) -> list[str]:
        """The names of the mistakes that reproduce the wrong numbers; several where several do."""
        return [cause.name for e in self.run.explanations.values() for cause in e.causes]

    def raise_for_mismatch(self) -> None:
        """Does nothing if they agree.

        Raises:
            DisagreementError: They do not: mismatch, imprecise, undecided or diverged.
        """
        if not self.agree:
            raise DisagreementError(f"\n{self!r}")

    def __repr__(self) -> str:
        from runner.records.words import whole_verdict

        rows = _rows(self.run)
        widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
        table = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([*whole_verdict(self.run, self.backends), "", *table])

    def _repr_html_(self) -> str:
        from runner.records.words import whole_verdict

        first, *rest = whole_verdict(self.run, self.backends)
        head, *rows = _rows(self.run)
        lines = "".join(f"<li>{escape(line.strip())}</li>" for line in rest)
        table = "".join(f"<tr>{_cells(row, 'td')}</tr>" for row in rows)
        return f"<p><b>{escape(first)}</b></p><ul>{lines}</ul><table><tr>{_cells(head, 'th')}</tr>{table}</table>"


def check(
    backprop: Callable[..., Any] | BackendChoice | str,
    *overrides: str,
    against: Callable[..., Any] | BackendChoice | str = "torch",
    layout: str = "torch",
    names: Mapping[str, str] | None = None,
    only_dtype: str | None = None,
    record: bool = False,
    **keys: object,
) -> Verdict:
    """Judges ``backprop(parameters, x, y) -> (loss, prediction, gradients)``.

    Args:
        backprop: The function, a torch.nn.Module, or the name of a backend.
        overrides: As on the command line, e.g. ``"architecture.hidden=[4, 4]"``.
        against: What it is compared to: likewise.
        layout: Of weights in what the function gets and returns: ``torch`` is (out, in), ``in_out`` is (in, out).
        names: The function's or module's own names of parameters -> ours.
        only_dtype: The only dtype that the function knows, if it does not follow its arguments.
        record: Whether to keep the run in the run folder and in MLflow, and to print it, as the command line does.
            ``shrink=True`` needs it, and so does the drift that ``lockstep=False`` measures: both are told there.
        keys: Keys of the configuration, e.g. ``seed=3, loss="mse", architecture={"hidden": [4, 4]}``.

    Raises:
        ConfigError: An argument, an override, a key or a module's parameters do not fit; its text names the key.
    """
    from runner.assemble import assemble
    from runner.catalog import Catalog
    from runner.compose import as_override, compose_config
    from runner.errors import ConfigError, shortened
    from runner.experiment import run_experiment
    from runner.outcome import Silent

    for key, given in (("backprop", backprop), ("against", against)):
        if not _can_be_judged(given):
            allowed = "a function, a torch.nn.Module that is made, or the name of a backend"
            raise ConfigError(key, shortened(given), allowed)
    if backprop == against:
        raise ConfigError("against", against, "another function, module or backend than the one that is judged")
    named = {s: s for s in (backprop, against) if isinstance(s, str)}
    texts = [*overrides, *(text for key, value in keys.items() for text in as_override(key, value))]
    composed = [f"backend=[{','.join(named)}]", *texts] if named else texts
    config = compose_config(composed)
    if config["shrink"] and not record:
        raise ConfigError("shrink", "true", "true together with record=True: the smaller case goes into the run folder")
    first, second = name_of(backprop, "backprop"), name_of(against, "reference")
    second = f"{second}_reference" if second == first else second
    choices = {first: _choice(backprop, layout, names, only_dtype), second: _choice(against)}
    for name, choice in choices.items():
        _check(name, choice)
    setup = assemble(config, Catalog(), choices)
    if record:
        return Verdict(
            _recorded(setup, composed if len(named) == 2 else texts, config, len(named) == 2), tuple(choices)
        )
    return Verdict(run_experiment(setup, Silent()).verdict, tuple(choices))


def check_op(
    op: Callable[..., Any] | Pair,
    reference: Callable[..., Any] | Pair,
    *inputs: Shape | Array,
    seed: int = 1,
    dtype: str = "float32",
    only_dtype: str | None = None,
    device: str = "cpu",
) -> Verdict:
    """Judges an operation y = f(x0, x1, ...) and its vector-Jacobian product, dy -> (dx0, dx1, ...).

    An operation is a function of torch tensors or a torch.autograd.Function, whose product autograd gives; or a pair
    of NumPy functions, ``forward(x0, x1, ...) -> y`` and ``vjp(dy, x0, x1, ...) -> (dx0, dx1, ...)``, which must
    follow their arguments' dtype. What is called ``prediction`` in the verdict is y, ``loss`` is the sum of y dy.

    Args:
        op: What is judged.
        reference: What it is held against; rounding is measured on it, by noise in its own operations.
        inputs: The shape of each input, which is then drawn from the normal distribution, or its values.
        seed: Of the inputs and of dy.
        dtype: In which precision is judged; the logic is judged in float64.
        only_dtype: The only dtype that ``op`` knows, if it does not follow its arguments; it is judged in that.
        device: Where the tensors lie that ``op`` gets, if it works on tensors, e.g. ``cuda``.

    Raises:
        ConfigError: An argument is wrong, or the reference cannot be computed.
    """
    from runner.operations import judge_operation

    return Verdict(*judge_operation(op, reference, inputs, seed, dtype, only_dtype, device))


def _check(name: str, choice: BackendChoice | None) -> None:
    from runner.errors import ConfigError

    try:
        if choice is not None:
            choice.check()
    except ConfigError as error:
        raise error.below(f"backend.{name}") from error


def _can_be_judged(given: object) -> bool:
    """A class of modules is none: it has to be made."""
    from runner.backends.base import BackendChoice

    if isinstance(given, str | BackendChoice):
        return True
    return callable(given) and not (isinstance(given, type) and hasattr(given, "named_parameters"))


def _choice(
    given: Any,
    layout: str | None = None,
    names: Mapping[str, str] | None = None,
    only_dtype: str | None = None,
) -> BackendChoice | None:
    """None for a name: the configuration has it. Without a layout it is the reference, in torch's."""
    from runner.backends.base import BackendChoice
    from runner.backends.function import GivenFunction
    from runner.backends.torch_module import GivenModule

    names = None if names is None else dict(names)
    if isinstance(given, str | BackendChoice):
        return None if isinstance(given, str) else given
    if hasattr(given, "named_parameters"):
        return GivenModule(given=given, names=names)
    return GivenFunction(
        given=given, layout=layout or "torch", names=names, dtype=only_dtype, judged=layout is not None
    )


def name_of(given: object, otherwise: str) -> str:
    """The name of a function, a class or a backend, if it is an identifier."""
    name = given if isinstance(given, str) else getattr(given, "__name__", type(given).__name__)
    return name if name.isidentifier() else otherwise


def _recorded(setup: Setup, overrides: list[str], config: dict[str, Any], by_name: bool) -> RunVerdict:
    """``by_name``: all backends are named by the overrides, so that a command line can run them again."""
    import secrets
    import sys
    from datetime import datetime
    from pathlib import Path

    from runner.job import told_unsent
    from runner.recording import ended, record_run
    from runner.records.files import missing_folders, remove_empty
    from runner.records.identity import Identity
    from runner.records.lock import RUN_LOCK, locked
    from runner.records.status import prepare_status, write_status
    from runner.shell import shell_line

    now = datetime.now().astimezone()
    folder = Path("outputs/runs") / f"{now:%Y-%m-%d}" / f"{now:%H-%M-%S}-{secrets.token_hex(3)}"
    command = shell_line(["python", "-m", "runner", *overrides]) if by_name else ""
    status: dict[str, Any] = {"overrides": overrides, "folder": str(folder), "number": None}

    def ready(found: dict[str, Any]) -> None:
        prepare_status(folder, status | found)

    new = missing_folders(folder)
    folder.mkdir(parents=True)
    try:
        with locked(folder, RUN_LOCK):
            outcome = record_run(setup, Identity(folder, overrides, None, config, command), status, ready=ready)
            found = told_unsent(ended(outcome), status, folder, folder)
            if "message" in found:
                print(f"runner: {found['message']}", file=sys.stderr)
            write_status(folder, status | found)
    finally:
        remove_empty(new)
    return outcome.verdict


def _rows(run: RunVerdict) -> list[tuple[str, ...]]:
    from runner.records.words import number, small

    rows: list[tuple[str, ...]] = [("tensor", "max |deviation|", "roundings", "logic roundings", "")]
    for name, t in run.tensors.items():
        ok = "not ok" if not t.ok else "ok" if t.known else "-"
        rows.append((name, small(t.max_abs), number(t.roundings), number(t.logic_roundings), ok))
    return rows


def _cells(row: tuple[str, ...], tag: str) -> str:
    return "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row)
