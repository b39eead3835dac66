"""The public surface: each module says what it offers, and importing it does nothing else."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import locust_softphone
from tests.test_architecture import MODULES, name_of


def declared(tree: ast.Module) -> list[str] | None:
    """The module's ``__all__``, if it has one."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(each, ast.Name) and each.id == "__all__" for each in node.targets
        ):
            names: list[str] = ast.literal_eval(node.value)
            return names
    return None


def defined(tree: ast.Module) -> set[str]:
    """The names that exist at a module's top, imported ones included."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update(alias.asname or alias.name for alias in node.names)
    return names


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_all_is_sorted_and_real(path: Path) -> None:
    tree = ast.parse(path.read_text())
    names = declared(tree)
    if names is None:
        assert path.name == "__init__.py", "every module says what it offers"
        assert len(tree.body) == 1, "a package without names is a docstring"
        return
    assert names == sorted(names, key=constants_first)
    assert len(set(names)) == len(names)
    assert set(names) <= defined(tree)
    assert not [name for name in names if name.startswith("_")]


def constants_first(name: str) -> tuple[int, str]:
    """As ruff sorts: CONSTANTS, Classes, functions."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def in_a_fresh_python(code: str) -> str:
    return subprocess.check_output([sys.executable, "-W", "error", "-c", code], text=True, timeout=60)


def test_every_public_name_is_there_when_it_is_asked_for() -> None:
    """In a process of its own, for some of them import Locust, which patches the standard library."""
    found = in_a_fresh_python(
        "import warnings; warnings.simplefilter('default')\n"
        "import locust, locust_softphone\n"
        "print(*(getattr(locust_softphone, name).__name__ for name in locust_softphone.__all__))"
    )
    assert found.split() == locust_softphone.__all__


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'locust_softphone' has no attribute 'Softfone'"):
        _ = locust_softphone.Softfone


@pytest.mark.parametrize("module", ["locust_softphone", "locust_softphone.edge", "locust_softphone.cli"])
def test_importing_brings_in_neither_locust_nor_gevent(module: str) -> None:
    found = in_a_fresh_python(f"import sys, {module}; print([n for n in ('locust', 'gevent') if n in sys.modules])")
    assert found == "[]\n"
