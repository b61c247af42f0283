"""What every layer is tried with, a file a family: each has ``EXAMPLES``, the name of a layer -> its examples."""

from importlib import import_module
from pkgutil import iter_modules

from tests.layers.example import Example

FOUND: dict[str, list[Example]] = {}
for module in iter_modules(__path__):
    FOUND |= import_module(f"{__name__}.{module.name}").EXAMPLES
