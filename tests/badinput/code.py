"""A user's own Python that cannot be used: functions, modules, classes that a configuration names."""

from __future__ import annotations

from .rows import Files, Refused

MODEL = "import torch\n\n\ndef make_model():\n    return {}\n"
LOCKED = "import threading\nimport torch\n\n\ndef make_model():\n    made = torch.nn.Linear(2, 1)\n"
LOCKED += "    made.lock = threading.Lock()\n    return made\n"
FILES: Files = {
    "syntax.py": "def backprop(:\n",
    "indent.py": "def backprop(a):\nreturn 1\n",
    "latin.py": b"x = '\xe9'\n",
    "nul.py": b"x = 1\x00\n",
    "raises.py": "\n1 / 0\n",
    "exits.py": "import sys\nsys.exit(0)\n",
    "quits.py": "raise SystemExit\n",
    "asks.py": "input()\n",
    "prints.py": "import sys\nprint('hello', file=sys.stdout)\nraise ValueError('of two\\nlines')\n",
    "deep.py": "def f():\n    f()\n\n\nf()\n",
    "memory.py": "raise MemoryError\n",
    "base.py": "raise BaseException('of the base')\n",
    "stops.py": "raise GeneratorExit\n",
    "lacks.py": "import a_module_that_is_not_there\n",
    "empty.py": "",
    "value.py": "backprop = 5\n",
    "other.py": "def backpropp(parameters, x, y):\n    return None\n",
    "folder.py/a": "",
    "unnamed/b.py": "",
    "none.py": MODEL.format("None"),
    "class.py": MODEL.format("torch.nn.Linear"),
    "bare.py": MODEL.format("torch.nn.ReLU()"),
    "thrown.py": MODEL.format("1 / 0"),
    "needs.py": "def make_model(x):\n    return x\n",
    "locked.py": LOCKED,
    "wide.py": MODEL.format("torch.nn.Linear(5, 1)"),
    "own/data/builtin.yaml": "_target_: builtins.print\n",
    "own/data/system.yaml": "_target_: os.system\ncommand: touch called\n",
    "own/data/raising.yaml": "_target_: raises.X\n",
    "own/data/lists.yaml": "_target_: [a, b]\n",
    "own/data/empty.yaml": "_target_: ''\n",
    "own/data/dots.yaml": "_target_: ..x\n",
    "own/data/instance.yaml": "_target_: math.pi\n",
    "own/layer/abstract.yaml": "_target_: runner.layers.base.Layer\nname: null\n",
}
FUNCTIONS: dict[str, str] = {
    "gone.py:backprop": "No such file",
    "folder.py:backprop": "directory",
    "syntax.py:backprop": "line 1",
    "indent.py:backprop": "line 2",
    "latin.py:backprop": "SyntaxError",
    "nul.py:backprop": "null bytes",
    "raises.py:backprop": "line 2: 1 / 0",
    "exits.py:backprop": "SystemExit",
    "quits.py:backprop": "SystemExit",
    "asks.py:backprop": "EOFError",
    "deep.py:backprop": "RecursionError",
    "memory.py:backprop": "MemoryError",
    "base.py:backprop": "of the base",
    "stops.py:backprop": "GeneratorExit",
    "lacks.py:backprop": "a_module_that_is_not_there",
    "empty.py:backprop": "nothing",
    "value.py:backprop": "a function of value.py",
    "other.py:backprop": "did you mean backpropp?",
    "other.py": "FILE.py:FUNCTION",
    "other.py:": "FILE.py:FUNCTION",
    ":backprop": "FILE.py:FUNCTION",
    "other.py:back-prop": "FILE.py:FUNCTION",
    "no.such.module:backprop": "No module named",
    "..x:backprop": "relative",
    "math:pi": "a function of math",
}
MODULES: dict[str, str] = {
    "none.py:make_model": "torch.nn.Module",
    "class.py:make_model": "torch.nn.Module",
    "bare.py:make_model": "parameter",
    "thrown.py:make_model": "ZeroDivisionError",
    "needs.py:make_model": "TypeError",
    "wide.py:make_model": "weight (1, 5)",
    "locked.py:make_model": "TypeError",
}
TARGETS: dict[str, str] = {
    "builtin": "Data",
    "system": "Data",
    "lists": "_target_",
    "empty": "_target_",
    "dots": "_target_",
    "instance": "_target_",
}
ROWS = [
    *(
        Refused(["backend=[function,torch]", f"backend.function.path='{path}'"], "backend.function.path", word)
        for path, word in FUNCTIONS.items()
    ),
    *(
        Refused(["backend=[torch_module,torch]", f"backend.torch_module.path={path}"], "backend.torch_module", word)
        for path, word in MODULES.items()
    ),
    *(Refused(["--config-dir", "own", f"data={name}"], "data", word) for name, word in TARGETS.items()),
    Refused(["--config-dir", "own", "data=raising"], "data", "ZeroDivisionError"),
    Refused(["--config-dir", "own", "architecture.layers=[{layer: abstract}]"], "architecture.layers.0", "allowed"),
]
