"""A sequence of runs: which runs are planned, and the options that Locust gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from locust_softphone.commands.run_sequence import CommonOptions, PlannedRun, new_folder, pause_for, plan_runs
from locust_softphone.config.profile import pack_folder
from locust_softphone.errors import InputError
from tests.commands.profile_files import a_profile


def test_repeated_runs_are_interleaved(tmp_path: Path) -> None:
    a, b = a_profile(tmp_path, "a"), a_profile(tmp_path, "b", hold="2s")
    assert plan_runs([str(a), str(b)], [], repeat=2) == [PlannedRun("a", a, 0.5), PlannedRun("b", b, 2.0)] * 2


def test_a_name_is_looked_up_in_the_folders_in_their_order(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    a_profile(mine, "smoke")
    assert plan_runs(["smoke"], [mine, pack_folder()]) == [PlannedRun("smoke", mine / "smoke.yaml", 0.5)]


def test_all_profiles_are_checked_before_the_first_run(tmp_path: Path) -> None:
    bad = a_profile(tmp_path, "bad", users=-1, hold="soon")
    with pytest.raises(InputError) as refused:
        plan_runs(["smoke", str(bad), "smok", "smok"], [pack_folder()])
    hold, users, name = sorted(refused.value.problems, key=lambda problem: "users" in problem or "smok" in problem)
    assert users == f"{bad}:2: users: must be at least 1"
    assert hold.startswith(f'{bad}:4: hold: "soon" is no duration')
    assert name.startswith('"smok" is no profile, did you mean smoke?')  # once


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (CommonOptions(Path("/runs")), []),
        (CommonOptions(Path("/runs"), policy=Path("/p.yaml")), ["--softphone-policy", "/p.yaml"]),
        (
            CommonOptions(Path("/runs"), host="https://edge.example", authorized=True, ca=Path("/ca.pem")),
            ["--host", "https://edge.example", "--softphone-ca", "/ca.pem", "--softphone-authorized"],
        ),
    ],
)
def test_what_locust_is_told(arguments: CommonOptions, options: list[str]) -> None:
    told = arguments.for_locust(PlannedRun("a", Path("/a.yaml"), 1.0))
    assert told == ["--softphone-profile", "/a.yaml", "--softphone-runs", "/runs", *options]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    runs.write_text("")
    with pytest.raises(InputError) as refused:
        new_folder(runs)
    assert str(refused.value) == f"--runs {runs}: cannot be written to (Not a directory)"


@pytest.mark.parametrize(
    ("wanted_s", "host", "pause_s"),
    [(None, None, 0.0), (None, "https://edge.example", 60.0), (5.0, None, 5.0), (0.0, "https://edge.example", 0.0)],
)
def test_an_edge_that_is_not_ours_is_left_alone_between_runs(
    wanted_s: float | None, host: str | None, pause_s: float
) -> None:
    assert pause_for(wanted_s, host) == pause_s
