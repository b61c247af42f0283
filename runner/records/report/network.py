"""The network as a graph, its layers coloured by how far their gradients are apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isnan

from runner.arrays import Shape
from runner.assemble import Setup
from runner.layers.base import Layer
from runner.layers.nested import placed
from runner.layers.placing import Place, kind_of
from runner.records.reading import RecordedRun
from runner.records.report.markup import Markup, clipped, tag
from runner.records.report.scale import place_of
from runner.records.report.shown import Row, rows_of
from runner.records.words import number

WIDTH, GAP, MARGIN, IN_A_ROW, LINE = 204, 36, 6, 4, 17
BOXES, PARTS, LETTERS = 400, 8, 28
"""Boxes of the graph, parts of a layer that are listed in its box, and letters that a line has room for."""


@dataclass(frozen=True)
class Box:
    """A box of the graph; ``rows`` are the layer's own rows of the table of tensors, ``diverged`` is the verdict."""

    title: str
    lines: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    layer: bool = True
    diverged: bool = False

    @property
    def worst(self) -> Row | None:
        """The row that is farthest off; None where nothing of the layer was judged."""
        known = [row for row in self.rows if not isnan(row.leading)]
        return max(known, key=lambda row: row.leading, default=None)

    @property
    def ok(self) -> bool:
        return all(row.ok for row in self.rows)

    @property
    def result(self) -> str:
        """What is written below: the number, and a sign that needs no colour."""
        if not self.layer:
            return ""
        if not self.rows:
            return "no parameters"
        if self.diverged and not self.ok:
            return "not finite ✗"
        sign = "✓" if self.ok else "✗"
        if self.worst is None:
            return "not judged" if self.ok else f"not judged {sign}"
        return f"{number(self.worst.leading)} roundings {sign}"

    @property
    def height(self) -> int:
        return LINE * (1 + len(self.lines) + bool(self.result)) + 14


@dataclass(frozen=True)
class Edge:
    """Where a box is drawn, in pixels."""

    left: float
    top: float
    height: float

    @property
    def middle(self) -> float:
        return self.top + self.height / 2

    @property
    def centre(self) -> float:
        return self.left + WIDTH / 2


def network_graph(run: RecordedRun, setup: Setup | None) -> Markup:
    """Input, every layer in its order, and the loss."""
    rows = [row for row in rows_of(run) if row.tensor not in ("loss", "prediction")]
    boxes = _boxes_of_names(run, rows) if setup is None else _boxes_of_layers(setup, rows)
    if len(boxes) > BOXES:
        boxes = [*boxes[: BOXES - 2], Box(f"{len(boxes) - BOXES + 1} more layers", layer=False), boxes[-1]]
    boxes = [replace(box, diverged=run.verdict["verdict"] == "diverged") for box in boxes]
    drawn: list[Markup] = []
    top = MARGIN
    before: Edge | None = None
    for begin in range(0, len(boxes), IN_A_ROW):
        row = boxes[begin : begin + IN_A_ROW]
        height = max(box.height for box in row)
        for i, box in enumerate(row):
            edge = Edge(MARGIN + i * (WIDTH + GAP), top + (height - box.height) / 2, box.height)
            if before is not None:
                drawn.append(_arrow(before, edge, top - GAP / 2))
            drawn.append(_drawn(box, edge))
            before = edge
        top += height + GAP
    across = min(len(boxes), IN_A_ROW) * (WIDTH + GAP) - GAP + 2 * MARGIN
    down = top - GAP + MARGIN
    head = [tag("title", "The network, layer by layer", id="graph-title"), _arrow_head()]
    view = f"0 0 {across} {down}"
    named = {"role": "group", "aria_labelledby": "graph-title"}
    return tag("svg", *head, *drawn, viewBox=view, width=across, height=down, **named)


def _boxes_of_layers(setup: Setup, rows: Sequence[Row]) -> list[Box]:
    network = setup.problem.network
    boxes = [Box("input", (_shape(network.input_shape),), layer=False)]
    for place in network.places:
        mine = {place.full(local) for local in place.parameters}
        lines = (f"{kind_of(place.layer)} → {_shape(place.output_shape)}", *_listed(_parts(place)))
        boxes.append(Box(place.name or kind_of(place.layer), lines, tuple(r for r in rows if r.tensor in mine)))
    return [*boxes, Box("loss", (type(setup.problem.loss).__module__.rpartition(".")[2],), layer=False)]


def _boxes_of_names(run: RecordedRun, rows: Sequence[Row]) -> list[Box]:
    """A box for each name that parameters have in common."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.tensor.rpartition(".")[0] or row.tensor, []).append(row)
    boxes = [Box("input", layer=False)]
    for name, mine in groups.items():
        shapes = [(r.tensor, run.parameters[f"first/{r.tensor}"].shape) for r in mine if _has(run, r.tensor)]
        lines = [f"{tensor.rpartition('.')[2]} {_shape(shape)}" for tensor, shape in shapes]
        boxes.append(Box(name, _listed(lines), tuple(mine)))
    return [*boxes, Box("loss", layer=False)]


def _has(run: RecordedRun, tensor: str) -> bool:
    return f"first/{tensor}" in run.parameters


def _parts(place: Place) -> list[str]:
    """The layers in a layer, and those in them, indented."""
    return _inside(place.layer, place.input_shape, "")


def _inside(layer: Layer, shape: Shape, indent: str) -> list[str]:
    lines = []
    for field in layer.nested:
        listed = getattr(layer, field)
        if field != layer.nested[0]:
            lines.append(f"{indent}{field}: {'' if listed else 'identity'}")
        for inner in placed(field, listed, shape).places if listed else ():
            lines.append(f"{indent}· {kind_of(inner.layer)} → {_shape(inner.output_shape)}")
            lines += _inside(inner.layer, inner.input_shape, f"{indent}\u00a0\u00a0")
    return lines


def _listed(lines: Sequence[str]) -> tuple[str, ...]:
    if len(lines) <= PARTS:
        return tuple(lines)
    return (*lines[: PARTS - 1], f"and {len(lines) - PARTS + 1} more")


def _shape(shape: Shape) -> str:
    return " x ".join(map(str, shape)) or "a number"


def _drawn(box: Box, at: Edge) -> Markup:
    """A box with its lines; a reader of the screen gets all of it as one sentence."""
    shade = None if box.worst is None else place_of(box.worst.leading)
    ink = [] if shade is None else [f"i{shade}"]
    fill = None if shade is None else f"k{shade}"
    frame = tag("rect", x=at.left, y=at.top, width=WIDTH, height=at.height, rx=6, class_=fill)
    texts = [box.title, *box.lines, *filter(None, [box.result])]
    lines = [
        tag(
            "text",
            clipped(text, LETTERS if i else LETTERS - 4),
            x=at.left + 10,
            y=at.top + LINE * (i + 1) + 2,
            aria_hidden="true",
            class_=" ".join([*ink, *(["name"] if i == 0 else ["result"] if text == box.result else [])]) or None,
        )
        for i, text in enumerate(texts)
    ]
    worst = box.worst or (box.rows[0] if box.rows else None)
    told = ", ".join([*texts, *([] if box.ok else ["not ok"])])
    return tag(
        "g",
        tag("title", told),
        frame,
        *lines,
        tabindex=0,
        role="img",
        class_=" ".join(["box", *(["plain"] if shade is None else []), *([] if box.ok else ["wrong"])]),
        data_tensor=None if worst is None else worst.tensor,
    )


def _arrow(begin: Edge, end: Edge, between: float) -> Markup:
    """Straight on within a row; from the end of one to the begin of the next around two corners, at ``between``."""
    if end.left > begin.left:
        path = f"M{begin.left + WIDTH} {begin.middle}H{end.left - 1}"
    else:
        path = f"M{begin.centre} {begin.top + begin.height}V{between}H{end.centre}V{end.top - 1}"
    return tag("path", d=path, class_="arrow", marker_end="url(#head)")


def _arrow_head() -> Markup:
    triangle = tag("path", d="M0 0L8 4L0 8Z", class_="head")
    marker = tag("marker", triangle, id="head", markerWidth=8, markerHeight=8, refX=7, refY=4, orient="auto")
    return tag("defs", marker)
