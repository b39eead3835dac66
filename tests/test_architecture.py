"""Who may know whom: the arrows of the design, read from the imports of every module.

swarm ──► signaling ──► core ◄── edge          cli and compare stand above all of them
  └─────► report ─────►
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import locust_softphone

PACKAGE = Path(locust_softphone.__file__).parent
ROOT = PACKAGE.parents[1]
MODULES = sorted(PACKAGE.rglob("*.py"))
LAYERS = ("signaling", "swarm", "report", "edge")

ON_TOP = {"", "cli", "dry_run", "compare", "locust_process", "progress"}
"""The package's public names, and the programs that put the layers together: they may know everything."""

MAY_KNOW = {
    "core": {"core"},
    "signaling": {"core", "signaling"},
    "report": {"core", "report"},
    "edge": {"core", "edge"},
    "swarm": {"core", "signaling", "report", "swarm"},
}

ALLOWED_IN = {  # what else is not for everybody, and who has it
    "locust": {"swarm"},
    "gevent": {"swarm"},
    "socket": {"signaling"},
    "_socket": {"swarm"},
    "ssl": {"signaling", "edge"},
    "asyncio": {"edge"},
    "aiohttp": {"edge"},
    "uvloop": {"edge"},
    "threading": {"signaling", "swarm", "edge"},
    "subprocess": {"swarm"},
    "rich": {"report"},
    "jinja2": {"report"},
    "flask": {"swarm"},
    "prometheus_client": {"report"},
    "plotly": {"report"},
    "opentelemetry": {"swarm"},
}


def name_of(path: Path) -> str:
    """``signaling.http`` for its file."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").removesuffix(".")


def layer_of(module: str) -> str:
    first = module.partition(".")[0]
    return first if first in LAYERS else "core"


def imports(path: Path) -> Iterator[str]:
    """The absolute name of every module that a file imports, at the top or later, for types or to run."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports are not used here"
            yield node.module or ""
            if node.module == "locust_softphone":
                yield from (f"locust_softphone.{alias.name}" for alias in node.names)


LAYERED = [path for path in MODULES if name_of(path) not in ON_TOP]


@pytest.mark.parametrize("path", LAYERED, ids=name_of)
def test_an_arrow_points_the_right_way(path: Path) -> None:
    layer = layer_of(name_of(path))
    for imported in imports(path):
        top, _, inside = imported.partition(".")
        if top == "locust_softphone":
            assert layer_of(inside) in MAY_KNOW[layer], f"{layer} must not know {inside}"
            assert not inside or inside.partition(".")[0] not in ON_TOP, f"{inside} stands above {layer}"
        elif top in ALLOWED_IN:
            assert layer in ALLOWED_IN[top], f"{layer} must not know {top}"


def test_websocket_client_is_known_in_one_place() -> None:
    knowing = [
        name_of(path) for path in MODULES if any(name.partition(".")[0] == "websocket" for name in imports(path))
    ]
    assert knowing == ["signaling.connection"]


def test_the_locustfile_needs_nothing_but_locust_and_the_public_names() -> None:
    assert {name.partition(".")[0] for name in imports(ROOT / "locustfile.py")} == {"locust", "locust_softphone"}
    public = {f"locust_softphone.{name}" for name in locust_softphone.__all__}
    assert {name for name in imports(ROOT / "locustfile.py") if "." in name} <= public


def test_every_layer_has_been_looked_at() -> None:
    assert {layer_of(name_of(path)) for path in LAYERED} == set(MAY_KNOW)
