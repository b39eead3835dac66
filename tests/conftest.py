"""Which tests are repeated after a failure: those that drive real processes, browsers or foreign servers.

Such a test can fail because the machine was busy: a run was late, a program needed too long. It is run again, at most
twice, while no other test runs. The summary shows a repeated test and the text of each failure, so that a fault is not
hidden. Tests of pure code are never repeated: what fails there once is a fault.

    each test    passes the gate, then holds the floor, shared with the others
    a repeat     holds the gate until it has the floor alone; nobody else gets in meanwhile
"""

from __future__ import annotations

import fcntl
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parent
REPEATS = 2
LOCKS = pytest.StashKey[ExitStack]()
FOLDER = pytest.StashKey[Path]()

# How long an example takes says how busy the machine is.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

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
    "test_cli.py",
    "test_compose.py",
    "test_kubernetes.py",
    "test_packages.py",  # builds and installs
    "test_soak.py",
)


def pytest_configure() -> None:
    """Let signals end the processes that tests start: background jobs of a shell ignore Ctrl-C, ``nohup`` a hang-up."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests to repeat, for pytest-rerunfailures."""
    for item in items:
        if any(item.path.is_relative_to(TESTS / each) for each in DRIVING_PROCESSES):
            item.add_marker(pytest.mark.flaky(reruns=REPEATS))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Take the floor, alone for a repeat. Locks of files, because pytest-xdist's workers are processes."""
    locks = item.stash[LOCKS] = ExitStack()
    alone = getattr(item, "execution_count", 1) > 1
    folder = _common_folder(item.config)
    with _locked(folder / "gate", fcntl.LOCK_EX):
        locks.enter_context(_locked(folder / "floor", fcntl.LOCK_EX if alone else fcntl.LOCK_SH))


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    item.stash[LOCKS].close()


@contextmanager
def _locked(file: Path, how: int) -> Iterator[None]:
    with file.open("a") as opened:
        fcntl.flock(opened, how)
        yield


def _common_folder(config: pytest.Config) -> Path:
    """A folder that all workers of pytest-xdist have in common."""
    folder = config.stash.get(FOLDER, None)
    if folder is None:
        own: Path = config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
        folder = config.stash[FOLDER] = own.parent if hasattr(config, "workerinput") else own
    return folder
