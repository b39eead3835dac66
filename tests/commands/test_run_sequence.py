"""A sequence of runs: which runs are planned."""

from __future__ import annotations

from pathlib import Path

import pytest

from locust_softphone.commands.run_sequence import PlannedRun, new_folder, plan_runs
from locust_softphone.config.profile_files import pack_folder
from locust_softphone.errors import InputError
from tests.commands.profile_files import a_profile


def test_repeated_runs_are_interleaved(tmp_path: Path) -> None:
    a, b = a_profile(tmp_path, "a"), a_profile(tmp_path, "b", hold="2s")
    assert plan_runs([str(a), str(b)], [], repeat=2) == [PlannedRun("a", a, 0.5), PlannedRun("b", b, 2.0)] * 2


def test_a_name_is_looked_up_in_the_folders_in_order(tmp_path: Path) -> None:
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
    assert hold.startswith(f'{bad}:4: hold: "soon" is not a duration')
    assert name.startswith('"smok" is not a profile, did you mean smoke?')  # once


def test_a_folder_of_runs_that_cannot_be_created_is_refused(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    runs.write_text("")
    with pytest.raises(InputError) as refused:
        new_folder(runs)
    assert str(refused.value) == f"--runs {runs}: cannot be written to (Not a directory)"
