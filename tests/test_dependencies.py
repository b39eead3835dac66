"""Dependencies: lower bounds, no unexplained pins, and licences that are compatible with MIT."""

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
PINNED = {"k6": "the README's benchmark numbers are from this version"}
BOUNDED = {"pyopenssl": "signaling/openssl.py uses its private parts, which a new version may not have"}

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
"""Prefixes of licences that a library may have if an MIT program depends on it. MPL-2.0 is weak copyleft: its
conditions only apply to changes of the library's own files."""


def requirements(section: str) -> list[Requirement]:
    """The requirements of one list in pyproject.toml."""
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    lists = {"dependencies": project["dependencies"], **project["optional-dependencies"]}
    return [Requirement(text) for text in lists[section]]


@pytest.mark.parametrize("section", SECTIONS)
def test_a_dependency_has_a_lower_bound_and_no_unexplained_pin(section: str) -> None:
    found = requirements(section)
    assert len(found) > 1
    for each in found:
        operators = {specifier.operator for specifier in each.specifier}
        expected = {"=="} if each.name in PINNED else {">=", "<"} if each.name in BOUNDED else {">="}
        assert operators == expected, str(each)


def needed(name: str, seen: set[str]) -> Iterator[str]:
    """A package and everything that it requires on this machine, as installed."""
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
    """The licences in a package's metadata: the SPDX expression, else classifiers, else the old field."""
    metadata = distribution(name).metadata
    classifiers = [each for each in metadata.get_all("Classifier") or () if each.startswith("License :: ")]
    names = [each.rpartition(" :: ")[2] for each in classifiers]
    said = _field(metadata, "License-Expression") or names or _field(metadata, "License").splitlines()[:1]
    return re.split(r" (?:AND|OR) ", said) if isinstance(said, str) else said


def test_every_required_package_has_a_licence_that_is_compatible_with_mit() -> None:
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
