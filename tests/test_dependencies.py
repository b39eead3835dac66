"""What the package depends on: lower bounds, no pin without a reason, and licences that go with MIT."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageMetadata, PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
SECTIONS = ("dependencies", "bench", "test")
PINNED = {"k6": "benchmarks compare with this version; the README's figures are its"}

COMPATIBLE = (
    "MIT",
    "BSD",
    "Apache",
    "PSF",
    "Python Software Foundation",
    "ISC",
    "MPL",
    "Mozilla Public",
    "ZPL",
    "Zope",
)
"""Beginnings of licences under which a program under MIT may need a library that it does not ship. MPL-2.0 is weak
copyleft: it asks for something only of who changes the library's own files."""


def requirements(section: str) -> list[Requirement]:
    """Those of one list in pyproject.toml."""
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    lists = {"dependencies": project["dependencies"], **project["optional-dependencies"]}
    return [Requirement(text) for text in lists[section]]


@pytest.mark.parametrize("section", SECTIONS)
def test_every_dependency_has_a_lower_bound_and_no_pin_without_a_reason(section: str) -> None:
    found = requirements(section)
    assert len(found) > 1
    for each in found:
        operators = {specifier.operator for specifier in each.specifier}
        assert operators == ({"=="} if each.name in PINNED else {">="}), str(each)


def needed(name: str, seen: set[str]) -> Iterator[str]:
    """A package and all that it needs in turn on this machine, as installed."""
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in seen:
        return
    seen.add(key)
    yield key
    for text in distribution(name).requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield from needed(requirement.name, seen)


def licences(name: str) -> list[str]:
    """What a package says that it is under: SPDX, or a classifier, or the old field."""
    metadata = distribution(name).metadata
    classifiers = [each for each in metadata.get_all("Classifier") or () if each.startswith("License :: ")]
    names = [each.rpartition(" :: ")[2] for each in classifiers]
    said = _field(metadata, "License-Expression") or names or _field(metadata, "License").splitlines()[:1]
    return re.split(r" (?:AND|OR) ", said) if isinstance(said, str) else said


def test_each_that_is_needed_has_a_licence_that_goes_with_mit() -> None:
    seen: set[str] = set()
    try:
        packages = [
            package
            for requirement in requirements("dependencies")
            if requirement.marker is None or requirement.marker.evaluate()
            for package in needed(requirement.name, seen)
        ]
    except PackageNotFoundError as missing:
        pytest.skip(f"{missing.name} is not installed here")
    assert len(packages) > 30
    under = {package: licences(package) for package in packages}
    assert {name: said for name, said in under.items() if not said or not all(map(_is_compatible, said))} == {}


def _field(metadata: PackageMetadata, name: str) -> str:
    return str((metadata.get_all(name) or [""])[0])


def _is_compatible(licence: str) -> bool:
    return licence.strip("() ").startswith(COMPATIBLE)
