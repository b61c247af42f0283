"""Every table that is measured: what its rows are, and the goals that they are held against."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.architectures import architecture_steps
from benchmarks.composing import composing
from benchmarks.cuda import cuda_steps, why_not
from benchmarks.growth import growing, growing_far
from benchmarks.layers import layer_steps
from benchmarks.memory import peak_memory
from benchmarks.recording import recording
from benchmarks.replicas import stacks
from benchmarks.starting import starting
from benchmarks.steps import other_steps, training_steps
from benchmarks.timing import Line
from benchmarks.verdict import against_gradcheck, judged_steps
from benchmarks.whole import default_run, short_jobs

SMALL, BATCH, MIDDLE, LARGE = "2-10-10-1, batch 1,", "2-10-10-1, batch 100,", "64-256-256-10", "784-1024-1024-10"


@dataclass(frozen=True)
class Goal:
    """What a ratio is to be: at least ``bound``, or at most, in the lines whose names, a comma added, begin so."""

    ratio: str
    bound: float
    at_least: bool = True
    lines: str = ""

    def met(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'at least' if self.at_least else 'at most'} {self.bound:g}"


@dataclass(frozen=True)
class Table:
    """A table: its heading, what to know of it, and its lines, which are measured when it is asked for.

    ``short`` says where the time goes, and what was tried, where a goal was not reached. A ``long`` one is
    measured only where it is named. ``why_not`` says why it cannot be measured on this machine; it is empty where it
    can.
    """

    heading: str
    note: str
    lines: Callable[[], Iterator[Line]]
    goals: Sequence[Goal] = field(default=())
    short: str = ""
    long: bool = False
    why_not: Callable[[], str] = lambda: ""

    def goal_of(self, line: str, ratio: str) -> Goal | None:
        """The one for this ratio of this line, if there is any."""
        return next((g for g in self.goals if g.ratio == ratio and f"{line},".startswith(g.lines)), None)


GROWTH = (
    "Runs in processes of their own. One more step (of the default network, recorded and judged), layer or job: the "
    "processor time of all beyond the least count over their number, held against the same at the second count; 1 is "
    "linear. The most memory that was resident is held against that of the least count."
)
FLAT = (Goal("memory over the first", 1.25, at_least=False), Goal("time of one over the second", 1.25, at_least=False))
EAGER = ((SMALL, 14.0), (BATCH, 7.0), (MIDDLE, 1.75), (LARGE, 1.05))
TABLES: Mapping[str, Table] = {
    "training_step": Table(
        "Training step",
        "Forward, loss, backward and update in float32 with sgd: how many times as fast scratch is as torch eager, as "
        "the same compiled by torch.compile, and as jax.jit with donated parameters. The limit of a step over NumPy's "
        "products is the last ratio: the products alone.",
        training_steps,
        [Goal("over eager", bound, lines=net) for net, bound in EAGER]
        + [Goal("over jax", 1.1), Goal("over compiled", 1.05)],
        short="Of the smallest nets' steps the eight products take a third (`products`); the rest is some 24 calls of "
        "NumPy of a quarter to half a microsecond each (four of each sigmoid and three of its derivative, copies of x "
        "and y and beside the columns of ones, the loss, the update), and Python between them. Weight and bias in one "
        "block, NumPy's dot in place of matmul and constants kept as arrays have halved it. Tried and not kept: numba "
        "0.68. A fused kernel takes 0.85 us a step, but 0.7 to 0.9 s to import and 2 to 3 s to compile, where a run of "
        "100 steps would save 1 ms; and it is a second path for one chain of layers, one loss, one optimizer and one "
        "batch size. Of the large nets' steps the products take nine tenths: there the kernels of OpenBLAS decide, and "
        "those of XLA and oneDNN stand against them.",
    ),
    "other_steps": Table(
        "Training step in float64, and with adam",
        "The same against torch eager with the optimizer as torch chooses it, foreach and fused.",
        other_steps,
        [Goal(f"over {kind}", bound, lines=net) for kind in ("eager", "foreach", "fused") for net, bound in EAGER],
        short="In float64 the products take twice as long on both sides, so less of torch's time is overhead. Fused "
        "adam is one kernel where NumPy makes a dozen calls, over vectors that hold all parameters.",
    ),
    "architectures": Table(
        "Training step of larger architectures",
        "How many times as fast scratch is as torch eager.",
        architecture_steps,
        [Goal("over eager", 1.0)],
    ),
    "layers": Table(
        "Layers",
        "Each layer's forward and backward in float32, at a small and at a large shape "
        "(`benchmarks/layers.py` has them): how many times as long scratch takes as torch; below 1 the pass "
        "by hand is faster. `group_norm` is slow, since NumPy goes through the array some fifteen times where "
        "torch does so four times. `gelu` has an error function of its own in float32: with SciPy's it took "
        "more than ten times as long as torch ([how](derivations/gelu.md)). Not in the table: grouped and "
        "depthwise convolution in float32, 3 to 7 at large shapes, where the columns of im2col are most of "
        "what is moved.",
        layer_steps,
    ),
    "judged_step": Table(
        "Judged step",
        "How many times as long a judged step takes as an unjudged one of both backends, and each further look as the "
        "step that it judges.",
        judged_steps,
        [
            Goal("judged over unjudged", 3.2, at_least=False),
            Goal("second look over judged", 10.0, at_least=False, lines=SMALL),
            Goal("second look over judged", 6.0, at_least=False, lines=LARGE),
            Goal("third look over judged", 4.0, at_least=False, lines=SMALL),
            Goal("third look over judged", 4.0, at_least=False, lines=LARGE),
        ],
        short="A judged step computes both twins in float64, whose products take twice as long: that alone makes 3 "
        "where products are all, and eight moved points of both twins make 16 unjudged steps, 4.9 judged ones. The "
        "rest of the first look goes over some ten vectors of all gradients in float64: sigma, roundings, deviations.",
    ),
    "gradcheck": Table(
        "The verdict and torch.autograd.gradcheck",
        "On one step, in float64: how many times as long gradcheck takes as the verdict.",
        against_gradcheck,
        [Goal("slow mode over verdict", 60.0), Goal("fast mode over verdict", 4.0)],
        short="Of the verdict's time some two fifths are torch's step in float64, a tenth NumPy's, a fifth sigma, and "
        "a quarter the measures of both pairs in some hundred calls of NumPy on vectors of 153 numbers.",
    ),
    "replicas": Table(
        "Replicas",
        "A stack of runs that differ in their seed, both backends, every step judged: how many times as fast a seed is "
        "as one run.",
        stacks,
        [Goal("one run over a seed", 70.0, lines="1000 replicas,")],
        short="Two fifths of a thousand's time go into the first look and what it needs, two fifths into the steps and "
        "updates of the backends and their twins, a fifth into some 80 of the 100,000 steps that are judged alone.",
    ),
    "recording": Table(
        "Recording",
        "Rows of metrics a second into sqlite: a run's own recording against MLflow's log_batch of 1000 rows; the "
        "limit is sqlite alone.",
        recording,
        [Goal("rows a second over log_batch", 0.9)],
    ),
    "cuda": Table(
        "Training step on a GPU",
        "Forward, loss, backward and update in float32 with sgd, everything on the device: how many times as long "
        "scratch takes on the CPU as torch eager, a CUDA graph of the same, and what torch.compile makes of it; then a "
        "stack of replicas by vmap. The limit is the roofline: the operations of the products over those a second of "
        "one large product, or the bytes that have to be moved over those of one large copy, whichever takes longer; "
        "the last ratio is its share of the fastest's time.",
        cuda_steps,
        why_not=why_not,
    ),
    "starting": Table(
        "Starting",
        "Processor time: `--cfg job` against `import hydra`, `--help` against that of an empty Hydra program with as "
        "many choices.",
        starting,
        [Goal("over import hydra", 2.0, at_least=False), Goal("over an empty program", 1.3, at_least=False)],
    ),
    "peak_memory": Table(
        "Peak memory",
        "The most memory that is resident at once in a run that keeps all gradients of 784-1024-1024-10, at every step "
        "and of both backends: 15 MB a step. `make memory STEPS=10000` tells it of any number of steps.",
        peak_memory,
        [Goal("memory over 100 steps", 1.02, at_least=False)],
    ),
    "growth": Table("Growth", GROWTH, growing, FLAT),
    "growth_far": Table(
        "Growth, far",
        GROWTH,
        growing_far,
        FLAT,
        short="Training and recording keep nothing of a step. What grows is what is drawn at the end: plots and page "
        "read the columns that they need of a row a step and tensor, 800,000 rows of 100,000 steps; `record.every` "
        "keeps fewer.",
        long=True,
    ),
    "composing": Table(
        "Composing a sweep",
        "A sweep's jobs are composed twice each, to be validated and to be launched: how many times as long that takes "
        "as by Hydra's own loader, where the jobs differ in values, and where each makes other choices; and what is "
        "kept in memory of 1000 jobs after the first 100.",
        composing,
        [
            Goal("over Hydra's", 0.5, at_least=False),
            Goal("MiB that are kept", 2.0, at_least=False),
        ],
    ),
    "short_jobs": Table(
        "Short jobs",
        "A sweep's job of ten judged steps, both backends, without plots, what it takes to begin the sweep left out: "
        "how many times as long it takes as its rows and files alone, logged by MLflow's client.",
        short_jobs,
        [Goal("over its records alone", 1.5, at_least=False)],
        short="Of some 150 ms of a job the client's own calls take 60, training and judging 27, the page 20, Hydra's "
        "copies of the configuration 12 to 15, assembling 8, composing 6 (it was 150), resolving 5: the goal leaves "
        "less beside the records than training and judging alone. `hydra/launcher=stacked` trains such jobs together.",
    ),
    "default_run": Table(
        "Default run",
        "`python -m runner` where there is a store: how many times as long as a script that imports the same "
        "libraries, logs the same rows and files by MLflow's client and draws the same plots. (The script leaves "
        "Python's garbage collector as it is, a sixth of its time, and takes all libraries apart at its end, nearly "
        "two seconds; the runner lets the collector look more seldom, and ends without.)",
        default_run,
        [Goal("over its records alone", 1.2, at_least=False)],
    ),
}
