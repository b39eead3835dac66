"""Public names: each module has a correct ``__all__``, and importing the package has no side effect."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import locust_softphone
from tests.test_architecture import MODULES, name_of


def declared(tree: ast.Module) -> list[str] | None:
    """The module's ``__all__``, or None."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(each, ast.Name) and each.id == "__all__" for each in node.targets
        ):
            names: list[str] = ast.literal_eval(node.value)
            return names
    return None


def defined(tree: ast.Module) -> set[str]:
    """The names at the top of a module, including imported ones."""
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
def test_all_is_sorted_and_its_names_exist(path: Path) -> None:
    tree = ast.parse(path.read_text())
    names = declared(tree)
    if names is None:
        assert path.name == "__init__.py", "a module without __all__"
        assert len(tree.body) == 1, "a package without __all__ has only a docstring"
        return
    assert names == sorted(names, key=constants_first)
    assert len(set(names)) == len(names)
    assert set(names) <= defined(tree)
    assert not [name for name in names if name.startswith("_")]


def constants_first(name: str) -> tuple[int, str]:
    """Ruff's order: CONSTANTS, Classes, functions."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def in_a_fresh_python(code: str) -> str:
    return subprocess.check_output([sys.executable, "-W", "error", "-c", code], text=True, timeout=60)


def test_every_public_name_can_be_imported() -> None:
    """In a new process, because some names import Locust, which patches the standard library."""
    found = in_a_fresh_python(
        "import warnings; warnings.simplefilter('default')\n"
        "import locust, locust_softphone\n"
        "print(*(getattr(locust_softphone, name).__name__ for name in locust_softphone.__all__))"
    )
    assert found.split() == locust_softphone.__all__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'locust_softphone' has no attribute 'Softfone'"):
        _ = locust_softphone.Softfone


@pytest.mark.parametrize("module", ["locust_softphone", "locust_softphone.edge", "locust_softphone.cli"])
def test_importing_the_package_does_not_import_locust_or_gevent(module: str) -> None:
    found = in_a_fresh_python(f"import sys, {module}; print([n for n in ('locust', 'gevent') if n in sys.modules])")
    assert found == "[]\n"
