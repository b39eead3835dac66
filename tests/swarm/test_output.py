"""What a run prints, where it can go wrong: stdout that cannot be written to, and users without tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.swarm.locust_process import run_locust


@pytest.mark.parametrize(
    ("redirected", "why"), [("> /dev/full", "No space left on device"), (">&-", "Bad file descriptor")]
)
def test_a_summary_that_cannot_be_printed_is_one_line_and_exit_code_4(
    tmp_path: Path, redirected: str, why: str
) -> None:
    run = run_locust(tmp_path, under=["sh", "-c", f'exec "$@" {redirected}', "sh"])
    complaints = [each for each in run.complaints if "the event loop lags" not in each]  # on a busy machine
    assert complaints == [f"the run's summary cannot be written to stdout ({why})"]
    assert run.returncode == 4
    assert run.record["verdict"] == "passed"


@pytest.mark.parametrize("options", [("--tags", "x"), ("--exclude-tags", "x")])
def test_users_that_tags_leave_without_tasks_are_refused(tmp_path: Path, options: tuple[str, str]) -> None:
    locustfile = """
from locust import events, tag
from locust_softphone import ProfileShape, SoftphoneUser, install

install(events)


class Shape(ProfileShape): ...


class Agent(SoftphoneUser):
    take_part = tag("x" if OPTION == "--exclude-tags" else "y")(SoftphoneUser.take_part)
    tasks = [take_part]
""".replace("OPTION", repr(options[0]))
    run = run_locust(tmp_path, *options, locustfile=locustfile)
    assert run.returncode == 2
    assert run.complaints[-1] == "--tags, --exclude-tags: Agent has no task left; run it without them"
    assert len(run.complaints) == 2, "Locust has a line of its own"
