"""Changes to a profile from the command line: names, values, typos."""

from __future__ import annotations

from pathlib import Path

import pytest

from locust_softphone.config.key_overrides import load_overridden, parse_set, parse_sweep
from locust_softphone.errors import InputError

TEXT = """\
# Five softphones.
name: five
users: 5
ramp: 1s
softphone: {like: sdk-2.3.1, retry: {max_retries: 2}}
expect: [answered == 100%]
"""


@pytest.fixture
def five(tmp_path: Path) -> str:
    path = tmp_path / "five.yaml"
    path.write_text(TEXT)
    return str(path)


def test_without_overrides_it_is_the_profile_of_the_file(five: str) -> None:
    (profile,) = load_overridden(five, [], [], [])
    assert (profile.name, profile.users, profile.about) == ("five", 5, "Five softphones.")


def test_a_set_key_changes_one_value_and_the_name(five: str) -> None:
    (profile,) = load_overridden(five, [], [parse_set("softphone.retry.jitter=equal"), parse_set("users=20")], [])
    assert (profile.name, profile.about) == ("five-jitter-equal-users-20", "Five softphones.")
    retry = profile.softphone.retry
    assert (profile.users, retry.jitter, retry.max_retries, retry.initial_s) == (20, "equal", 2, 1.0)


def test_a_part_that_the_file_does_not_have_can_be_set(five: str) -> None:
    (profile,) = load_overridden(five, [], [parse_set("edge.limits.token={rate: 9/s, burst: 1}")], [])
    assert profile.edge == {"limits": {"token": {"rate": "9/s", "burst": 1}}}


@pytest.mark.parametrize("number", ["600", "+12025550100", "0600", "true"])
def test_a_number_to_call_is_text_as_it_was_written(five: str, number: str) -> None:
    (profile,) = load_overridden(five, [], [parse_set("dialect=sip"), parse_set(f"sip.call={number}")], [])
    assert profile.sip
    assert profile.sip.call == number


def test_the_name_itself_can_be_set(five: str) -> None:
    (profile,) = load_overridden(five, [], [parse_set("name=mine"), parse_set("users=6")], [])
    assert profile.name == "mine"


def test_a_sweep_makes_a_profile_for_each_value(five: str) -> None:
    profiles = load_overridden(five, [], [], [parse_sweep("ramp=5s,{rate: 50/s},0s")])
    assert [profile.name for profile in profiles] == ["five-ramp-5s", "five-ramp-rate-50-s", "five-ramp-0s"]
    assert [profile.duration_s for profile in profiles] == pytest.approx([4 + 15, 0.08 + 15, 15])


def test_two_sweeps_make_a_profile_for_each_combination(five: str) -> None:
    profiles = load_overridden(five, [], [], [parse_sweep("users=1,2"), parse_sweep("hold=5s,6s")])
    assert [(profile.users, profile.hold_s) for profile in profiles] == [(1, 5), (1, 6), (2, 5), (2, 6)]
    assert len({profile.name for profile in profiles}) == 4


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("softphone.retry.jiter=none", "--set softphone.retry.jiter: unknown key, did you mean jitter?"),
        ("softphone.retry.jitter=non", '--set softphone.retry.jitter: "non" is not one of the choices, did you mean'),
        ("users=many", '--set users: must be a whole number, not "many"'),
        ("ramp=60", "--set ramp: "),
        ("hold.inner=5s", "--set hold: "),
    ],
)
def test_a_typo_is_found_as_in_a_file(five: str, text: str, problem: str) -> None:
    with pytest.raises(InputError) as refused:
        load_overridden(five, [], [parse_set(text)], [])
    assert str(refused.value).startswith(problem)


def test_the_problems_of_the_file_come_first(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(TEXT.replace("ramp: 1s", "ramp: 1"))
    with pytest.raises(InputError, match=r"bad\.yaml:4: ramp"):
        load_overridden(str(path), [], [parse_set("users=3")], [])


@pytest.mark.parametrize("text", ["users", "=5", "softphone..retry=1", "users={"])
def test_a_set_that_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"write it as users=200|not accepted as YAML"):
        parse_set(text)


@pytest.mark.parametrize("text", ["ramp", "ramp=", "ramp=[5s"])
def test_a_sweep_that_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"write it as ramp=5s,10s|not accepted as YAML"):
        parse_sweep(text)
