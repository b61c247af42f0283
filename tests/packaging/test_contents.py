"""What the archives hold, and what the constraints pin."""

from __future__ import annotations

import re
import tarfile
import tomllib
import zipfile
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .conftest import Built
from .installed import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: list[str] = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
REQUIREMENTS: list[str] = [*PROJECT["dependencies"], *EXTRAS]
CONF = sorted(str(path.relative_to(ROOT / "conf")) for path in (ROOT / "conf").rglob("*.yaml"))
PACKAGE, PLUGINS = ROOT / "runner", ROOT / "hydra_plugins"
MODULES = sorted(
    str(path.relative_to(ROOT))
    for kind in ("py", "json", "css", "js")
    for folder in (PACKAGE, PLUGINS)
    for path in folder.rglob(f"*.{kind}")
    if (PACKAGE / "conf") not in path.parents
)


def pins() -> dict[str, str]:
    """The exact version of each package."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line.partition("#")[0].strip() for line in lines]
    found = [re.fullmatch(r"([A-Za-z0-9._-]+)==([^\s;=]+)", line) for line in wanted if line]
    assert all(found), "a line that pins nothing"
    return {canonicalize_name(match[1]): match[2] for match in found if match}


def test_constraints_pin_torch() -> None:
    assert pins()["torch"] == "2.13.0"


@pytest.mark.parametrize("line", sorted(set(REQUIREMENTS)))
def test_constraints_pin_every_dependency_to_a_version_that_it_allows(line: str) -> None:
    requirement = Requirement(line)
    assert requirement.specifier.contains(pins()[canonicalize_name(requirement.name)])


def test_the_wheel_holds_the_package_its_configuration_and_the_published_numbers(built: Built) -> None:
    names = set(zipfile.ZipFile(built.wheel).namelist())
    assert {f"runner/conf/{name}" for name in CONF} <= names
    assert set(MODULES) <= names
    assert {"runner/published/published.json", "runner/published/parameters.json"} <= names
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {"runner", "hydra_plugins"}
    assert "hydra_plugins/__init__.py" not in names  # other packages have plugins in it too


def test_the_wheels_files_are_those_of_the_repository(built: Built) -> None:
    archive = zipfile.ZipFile(built.wheel)
    for name in CONF:
        assert archive.read(f"runner/conf/{name}") == (ROOT / "conf" / name).read_bytes()


def test_the_wheel_declares_its_command_and_its_dependencies(built: Built) -> None:
    archive = zipfile.ZipFile(built.wheel)
    (entry,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
    assert "runner = runner.__main__:main" in archive.read(entry).decode()
    (metadata,) = [name for name in archive.namelist() if name.endswith("METADATA")]
    declared = re.findall(r"^Requires-Dist: (.*)$", archive.read(metadata).decode(), re.MULTILINE)
    plain = {canonicalize_name(Requirement(line).name) for line in declared if "extra ==" not in line}
    assert plain == {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}


def test_the_source_archive_holds_what_a_build_and_a_reader_need(built: Built) -> None:
    with tarfile.open(built.archive) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"conf/{name}" for name in CONF} <= names
    assert set(MODULES) <= names
    assert {"pyproject.toml", "README.md", "constraints.txt", "Makefile"} <= names
