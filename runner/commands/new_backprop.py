"""`python -m runner new-backprop FILE`: a file to start a backpropagation of one's own from."""

from __future__ import annotations

import inspect
import json
import keyword
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from runner.arrays import Shape
from runner.assemble import Setup
from runner.backends.function import Function
from runner.commands.own_function import assemble_unwritten, compose_unwritten, run_line
from runner.errors import AGREE, ConfigError, RunError
from runner.network import Place

NAME = "backprop"
USAGE = """\
python -m runner new-backprop FILE.py [overrides]

Writes a file with a function backprop(parameters, x, y) that fits the network and the loss of a run with these
overrides (backend.function.layout and backend.function.names too), to be filled in. No file is overwritten.

Exit code: 0 written, 2 bad input, 3 it could not be written."""

TAKEN = {"parameters", "x", "y", "np", "loss", "prediction", "gradients"}


def new_backprop(argv: list[str]) -> int:
    """Writes the file that ``argv`` begins with, and prints the command that runs it.

    Raises:
        ConfigError: The file's name or an override is wrong, or the file is there already.
        RunError: It could not be written.
    """
    if {"--help", "-h"} & set(argv):
        print(USAGE)
        return AGREE
    if not argv:
        raise ConfigError("new-backprop", "nothing", "python -m runner new-backprop FILE.py [overrides]")
    file, overrides = Path(argv[0]), argv[1:]
    if file.suffix != ".py" or not file.parent.is_dir():
        raise ConfigError("FILE", repr(argv[0]), "a new *.py in a folder that is there")
    setup, function = assemble_unwritten(compose_unwritten(overrides))
    command = run_line(f"{argv[0]}:{NAME}", overrides)
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(starter(setup, function, command))
    except FileExistsError as error:
        raise ConfigError("FILE", f"{argv[0]!r}, which is there already", "a new file: none is overwritten") from error
    except OSError as error:
        raise RunError(f"FILE: {argv[0]} could not be written ({error.strerror})") from error
    print(f"written: {argv[0]}. Fill it in, and check it with\n\n    {command}")
    return AGREE


def starter(setup: Setup, function: Function, command: str) -> str:
    """The file's text: it runs as it is, and is wrong."""
    network, theirs = setup.problem.network, function.theirs(setup.problem.network)
    in_out = function.layout == "in_out"
    shapes = {theirs[ours]: _turned(p.shape, in_out) for ours, p in network.parameters.items()}
    variables = _variables(shapes)
    forward = [line for place in network.places for line in _forward(place, in_out)]
    backward = [_backward(place, theirs, place is network.places[0]) for place in reversed(network.places)]
    body = [
        *(f"{variables[name]} = parameters[{_text(name)}]  # {shape}" for name, shape in shapes.items()),
        "",
        "# Forward, layer by layer.",
        *forward,
        f"prediction = np.zeros({_batched(network.output_shape, 'len(x)')}, x.dtype)  # put yours here",
        "loss = np.zeros((), x.dtype)  # and here",
        "",
        "# Backward: the gradient of the loss for the prediction, then from the last layer to the first.",
        *backward,
        "gradients = {",
        *(f"    {_text(name)}: np.zeros_like({variables[name]}),  # and here" for name in shapes),
        "}",
        "return loss, prediction, gradients",
    ]
    inner = "\n".join(f"    {line}" if line else "" for line in body)
    returns = f'"""Returns the loss, the prediction {_batched(network.output_shape)} and {{name: gradient}}."""'
    head = f'"""{_docstring(setup, shapes, in_out, command)}"""\n\nimport numpy as np\n\n\n'
    return f"{head}def {NAME}(parameters, x, y):\n    {returns}\n{inner}\n"


def _docstring(setup: Setup, shapes: Mapping[str, Shape], in_out: bool, command: str) -> str:
    network = setup.problem.network
    width = max(len(name) for name in [*shapes, "x", "y"])
    layout = "(in, out), as in x W" if in_out else "(out, in), as torch has them"
    rows = [f"    {name:<{width}}  {shape}" for name, shape in shapes.items()]
    loss = [_first_line(setup.problem.loss), *(inspect.getdoc(type(setup.problem.loss)) or "").splitlines()]
    text = [
        "A backpropagation to be filled in.",
        "",
        f"parameters, a dict of NumPy arrays by name; weights are {layout}:",
        "",
        *rows,
        "",
        "The batch:",
        "",
        f"    {'x':<{width}}  {_batched(network.input_shape)}",
        f"    {'y':<{width}}  {_batched(network.output_shape)}",
        "",
        "The loss, of the prediction p:",
        "",
        *(f"    {line}" for line in loss),
        "",
        "A gradient has the name and the shape of its parameter. Follow the dtype of the arguments, float32 and",
        "float64 in turn, and change none of them. Check it with",
        "",
        f"    {command}",
        "",
    ]
    return "\n".join(text).replace("\\", "\\\\").replace('"""', r"\"\"\"")


def _forward(place: Place, in_out: bool) -> list[str]:
    """What a layer does; its formula too, unless that is written for weights in the other layout."""
    shapes = f"{_batched(place.input_shape)} -> {_batched(place.output_shape)}"
    lines = [f"# {place.name}: {place.layer.describe(place.input_shape)}, {shapes}"]
    matrices = any(len(p.shape) == 2 for p in place.parameters.values())
    return lines if in_out and matrices else [*lines, f"#     {_first_line(place.layer)}"]


def _backward(place: Place, theirs: Mapping[str, str], first: bool) -> str:
    """What a layer's backward pass gives; nobody wants the gradient of the first layer's input, the batch."""
    wanted = [theirs[place.full(local)] for local in place.parameters] + ([] if first else ["its input"])
    return f"# {place.name}: the gradient of {', '.join(wanted)}" if wanted else f"# {place.name}: nothing"


def _first_line(described: object) -> str:
    """The formula, as it stands at the head of the module of a layer or a loss."""
    return (sys.modules[type(described).__module__].__doc__ or "").strip().partition("\n")[0]


def _text(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


def _turned(shape: Shape, in_out: bool) -> Shape:
    return shape[::-1] if in_out and len(shape) == 2 else shape


def _batched(shape: Shape, batch: str = "batch") -> str:
    return f"({', '.join([batch, *map(str, shape)])})"


def _variables(names: Iterable[str]) -> dict[str, str]:
    """A Python name for each parameter, near to its own."""
    found: dict[str, str] = {}
    for name in names:
        variable = re.sub(r"\W", "_", name)
        if not variable.isidentifier() or keyword.iskeyword(variable):
            variable = f"p_{variable}"
        while variable in TAKEN or variable in found.values():
            variable += "_"
        found[name] = variable
    return found
