"""A form changes users and ramp of a profile; the rest stays, and what cannot be is refused in the form's words."""

from __future__ import annotations

import pytest

from locust_softphone.config import strict_yaml
from locust_softphone.config.overrides import Overrides
from locust_softphone.config.profile import Profile
from locust_softphone.errors import InputError

PROFILE = strict_yaml.loads("{name: a, users: 10, ramp: 5s, hold: 3s, softphone: {like: sdk-2.1.0}}", Profile)
STAGED = strict_yaml.loads("{name: a, users: 10, ramp: {stages: [{to: 10, over: 5s}]}}", Profile)


@pytest.mark.parametrize(
    ("overrides", "replaced", "starts"),
    [
        (Overrides(), {}, "10 softphones, over 5s"),
        (Overrides(users=" ", ramp=""), {}, "10 softphones, over 5s"),
        (Overrides(users="40"), {"users": 10}, "40 softphones, over 5s"),
        (Overrides(ramp="20s"), {"ramp": "5s"}, "10 softphones, over 20s"),
        (Overrides(users="40", ramp="8/s"), {"users": 10, "ramp": "5s"}, "40 softphones, at 8/s"),
        (Overrides(users="10", ramp="5s"), {}, "10 softphones, over 5s"),
    ],
)
def test_users_and_ramp_are_replaced(overrides: Overrides, replaced: dict[str, object], starts: str) -> None:
    changed = overrides.apply(PROFILE)
    assert changed.describe_starts().startswith(starts)
    assert Overrides.replaced(PROFILE, changed) == replaced
    assert {**changed.resolved(), "users": 0, "ramp": 0} == {**PROFILE.resolved(), "users": 0, "ramp": 0}


@pytest.mark.parametrize(
    ("profile", "overrides", "problem"),
    [
        (PROFILE, Overrides(users="many"), 'Users: "many" is not a whole number; type one such as 100'),
        (PROFILE, Overrides(users="-1"), 'Users: "-1" is not a whole number'),
        (PROFILE, Overrides(users="٣"), "is not a whole number"),
        (PROFILE, Overrides(users="0"), "Users: must be at least 1; type a value such as 100"),
        (PROFILE, Overrides(users="9" * 9), "Users: must be at most 1000000"),
        (PROFILE, Overrides(ramp="soon"), "Ramp: .*; type a value such as 60s or 50/s"),
        (PROFILE, Overrides(ramp="0/s"), "Ramp.*; type a value such as 60s or 50/s"),
        (PROFILE, Overrides(ramp="{stages: []}"), "Ramp: .*; type a value such as 60s or 50/s"),
        (STAGED, Overrides(users="40"), "Users: .*; with this profile, change the ramp too"),
    ],
)
def test_what_cannot_be_is_refused(profile: Profile, overrides: Overrides, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        overrides.apply(profile)
