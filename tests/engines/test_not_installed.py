"""An engine that is not installed is refused with what installs it."""

from __future__ import annotations

import pytest
from hydra.errors import MissingConfigException

from runner.catalog import Catalog
from runner.hydra_errors import translate


@pytest.mark.parametrize(
    ("choice", "extra"), [("hydra/launcher/ray", "ray"), ("hydra/launcher/submitit_slurm", "slurm")]
)
def test_the_extra_is_named(choice: str, extra: str) -> None:
    options = "Available options in 'hydra/launcher':\n\tbasic\n\tstacked\n"
    said = f"Could not find '{choice}'\n\n{options}Config search path:\n"
    group, _, name = choice.rpartition("/")
    refused = translate(MissingConfigException(said, choice), ["-m", f"{group}={name}"], Catalog())
    assert str(refused) == (
        f"hydra/launcher: got '{name}'; allowed: basic, stacked; and {name} after "
        f"pip install -c constraints.txt -e '.[{extra}]'"
    )
