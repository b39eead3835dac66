"""Which folder may import which; the imports are read from the source of every module.

text untrusted jid sip_text sdp limits probing ─► metrics ─► errors ─► config ─► retry ─► jmeter
                                                      ▲        pure; each imports only those before it
                                                      ▲
signaling ────────────────────────────────────────────┤
runs ─────────────────────────────────────────────────┤
report ─► runs ───────────────────────────────────────┤
simulation ─► signaling, runs ────────────────────────┤        not signaling's sockets
swarm ──► signaling, runs, report ────────────────────┤
edge ───► limits, sdp, jid, sip_text, config ─────────┘        not signaling: shared code would hide shared mistakes
commands, cli, __main__, schemas and the package itself may import everything
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import locust_softphone

PACKAGE = Path(locust_softphone.__file__).parent
ROOT = PACKAGE.parents[1]
MODULES = sorted(PACKAGE.rglob("*.py"))

PURE = (
    "text",
    "untrusted",
    "jid",
    "sip_text",
    "sdp",
    "limits",
    "probing",
    "metrics",
    "errors",
    "config",
    "retry",
    "jmeter",
)
ON_TOP = ("", "__main__", "cli", "commands", "schemas")
MAY_IMPORT: dict[str, set[str]] = {
    **{part: set(PURE[: number + 1]) for number, part in enumerate(PURE)},
    "signaling": {*PURE, "signaling"},
    "runs": {*PURE, "runs"},
    "report": {*PURE, "runs", "report"},
    "swarm": {*PURE, "signaling", "runs", "report", "swarm"},
    "simulation": {*PURE, "signaling", "runs", "simulation"},
    "edge": {"text", "untrusted", "jid", "sip_text", "sdp", "limits", "errors", "config", "edge"},
}
"""For each part of the package (a folder, or a module at the top) the parts that it may import."""

ALLOWED_IN = {  # other modules that only some parts may import
    "locust": {"swarm"},
    "gevent": {"swarm"},
    "greenlet": {"simulation"},
    "socket": {"signaling"},
    "_socket": {"swarm"},
    "ssl": {"signaling", "edge"},
    "asyncio": {"edge"},
    "aiohttp": {"edge"},
    "uvloop": {"edge"},
    "wsproto": {"edge"},
    "threading": {"signaling", "swarm", "edge"},
    "subprocess": {"runs"},
    "rich": {"report"},
    "jinja2": {"report"},
    "flask": {"swarm"},
    "prometheus_client": {"report"},
    "opentelemetry": {"swarm"},
}


def name_of(path: Path) -> str:
    """The module's name within the package, such as ``signaling.http``."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").removesuffix(".")


def part_of(module: str) -> str:
    return module.partition(".")[0]


def imports(path: Path) -> Iterator[str]:
    """The absolute name of every module that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports are not used here"
            yield node.module or ""
            if node.module == "locust_softphone":
                yield from (f"locust_softphone.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", [path for path in MODULES if part_of(name_of(path)) not in ON_TOP], ids=name_of)
def test_a_module_imports_only_what_its_part_may_import(path: Path) -> None:
    part = part_of(name_of(path))
    for imported in imports(path):
        top, _, inside = imported.partition(".")
        if top == "locust_softphone":
            assert part_of(inside) in MAY_IMPORT[part] | {"", "__version__"}, f"{part} must not import {inside}"
        elif top in ALLOWED_IN:
            assert part in ALLOWED_IN[top], f"{part} must not import {top}"


def test_the_simulation_uses_the_softphone_and_not_its_sockets() -> None:
    wire = {f"locust_softphone.signaling.{name}" for name in ("stream", "tls", "target", "hosts", "http", "websocket")}
    for path in (PACKAGE / "simulation").rglob("*.py"):
        assert not wire & set(imports(path)), path.name


def test_modules_do_not_import_each_other_in_a_cycle() -> None:
    names = {name_of(path) for path in MODULES}
    graph = {
        name_of(path): {
            inside for imported in imports(path) if (inside := imported.removeprefix("locust_softphone.")) in names
        }
        for path in MODULES
    }
    graph.pop("")  # the package itself imports its public names lazily
    TopologicalSorter(graph).prepare()


def test_module_names_are_unique() -> None:
    names = Counter(path.stem for path in MODULES if path.name != "__init__.py")
    assert [name for name, times in names.items() if times > 1] == []


def test_the_locustfile_imports_only_locust_and_public_names() -> None:
    assert {name.partition(".")[0] for name in imports(ROOT / "locustfile.py")} == {"locust", "locust_softphone"}
    public = {f"locust_softphone.{name}" for name in locust_softphone.__all__}
    assert {name for name in imports(ROOT / "locustfile.py") if "." in name} <= public


def test_the_table_has_every_part() -> None:
    assert {part_of(name_of(path)) for path in MODULES} == {*MAY_IMPORT, *ON_TOP}
