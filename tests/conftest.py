"""Which tests are repeated after a failure: those that drive real processes, browsers or foreign servers.

Such a test can fail because the machine was busy: a run was late, a program needed too long. It is run again, at most
twice. The summary shows a repeated test and the text of each failure, so that a fault is not hidden. Tests of pure code
are never repeated: what fails there once is a fault.
"""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
REPEATS = 2

DRIVING_PROCESSES = (
    "commands",  # the command line, most of them with a Locust process
    "containers",
    "edge",  # the simulated edge, over sockets
    "faults",
    "fleet",
    "interop",
    "report/test_html.py",  # a browser
    "runs/test_edge_process.py",
    "scenarios",
    "signaling",  # softphones with real sockets
    "swarm",
    "test_browser.py",
    "test_ci_examples.py",
    "test_packages.py",  # builds and installs
    "test_soak.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests to repeat, for pytest-rerunfailures."""
    for item in items:
        if any(item.path.is_relative_to(TESTS / each) for each in DRIVING_PROCESSES):
            item.add_marker(pytest.mark.flaky(reruns=REPEATS))
