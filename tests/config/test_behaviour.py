"""Behaviours: the presets, how a profile overrides them, and bad input."""

from __future__ import annotations

from typing import Any

import pytest

from locust_softphone.config.behaviour import Behaviour, presets, resolve
from locust_softphone.config.strict_yaml import StrictModel, loads
from locust_softphone.errors import InputError


class File(StrictModel):
    softphone: Behaviour


def problem(text: str) -> str:
    with pytest.raises(InputError) as refused:
        loads(text, File, name="p.yaml")
    return str(refused.value)


def test_every_preset_is_a_complete_behaviour_with_a_source() -> None:
    assert list(presets()) == [
        "jmeter-default",
        "sdk-2.1.0",
        "sdk-2.3.1",
        "genesys-streaming-19",
        "purecloud-streaming-11",
        "jssip-3",
        "sip.js-0.21",
        "recommended",
    ]
    for name, preset in presets().items():
        behaviour = Behaviour.model_validate({"like": name})
        assert behaviour.retry == preset.retry
        assert len(preset.source) > 60
        assert "\n" not in preset.about


@pytest.mark.parametrize(
    ("name", "waits", "retry_after", "description"),
    [
        ("jmeter-default", (0, 0.0, 1, 0.0), "ignore", "never retries"),
        ("sdk-2.1.0", (3, 0.0, 1, 0.0), "ignore", "retries 3 times, immediately, Retry-After ignored"),
        (
            "sdk-2.3.1",
            (3, 1.0, 2, 30.0),
            "ignore",
            "retries 3 times, after 1s times 2 up to 30s, no jitter, Retry-After ignored",
        ),
        (
            "genesys-streaming-19",
            (100, 2.0, 2, 90.0),
            "add",
            "retries 100 times, after 2s times 2 up to 90s, no jitter, Retry-After added",
        ),
        (
            "purecloud-streaming-11",
            (100, 0.25, 2, 5.0),
            "ignore",
            "retries 100 times, after 250ms times 2 up to 5s, no jitter, Retry-After ignored",
        ),
        (
            "recommended",
            (5, 1.0, 2, 30.0),
            "honour",
            "retries 5 times, after 1s times 2 up to 30s, full jitter, Retry-After honoured",
        ),
    ],
)
def test_the_retry_policy_of_a_preset(
    name: str, waits: tuple[int, float, float, float], retry_after: str, description: str
) -> None:
    retry = presets()[name].retry
    assert (retry.max_retries, retry.initial_s, retry.multiplier, retry.max_wait_s) == waits
    assert retry.retry_after == retry_after
    assert retry.describe() == description


def test_only_browser_libraries_cannot_see_the_headers_of_a_refused_upgrade() -> None:
    hidden = {name for name, preset in presets().items() if preset.retry.upgrade_headers == "hidden"}
    assert hidden == {"genesys-streaming-19", "purecloud-streaming-11", "jssip-3", "sip.js-0.21"}


@pytest.mark.parametrize(
    ("raw", "changed"),
    [
        ({}, {}),  # the default is recommended
        ({"like": "recommended"}, {}),
        ({"ready": "ignore"}, {"ready": "ignore"}),
        ({"retry": {"jitter": "none"}}, {"retry.jitter": "none"}),  # the other keys of retry are unchanged
        ({"calls": {"count": 3}, "timeout": "5s"}, {"calls.count": 3, "timeout": "5s"}),
    ],
)
def test_an_override_changes_only_its_own_key(raw: dict[str, Any], changed: dict[str, Any]) -> None:
    def flat(raw: dict[str, Any]) -> dict[str, Any]:
        return {
            key if inner is None else f"{key}.{inner}": value
            for key, part in raw.items()
            for inner, value in (part.items() if isinstance(part, dict) else [(None, part)])
        }

    before = flat(resolve({"like": "recommended"}))
    assert flat({"like": "recommended", **resolve(raw)}) == {**before, **changed}


def test_a_resolved_behaviour_can_be_read_again() -> None:
    behaviour = loads("softphone: {like: sdk-2.3.1, retry: {jitter: full}, calls: {count: 2}}", File).softphone
    assert Behaviour.model_validate(behaviour.model_dump(mode="json", by_alias=True)) == behaviour


def test_a_description_names_calls_token_ready_and_retries() -> None:
    behaviour = loads("softphone: {like: sdk-2.1.0, calls: {count: 3}, retry: {max_retries: 0}}", File).softphone
    assert behaviour.describe() == (
        "like sdk-2.1.0: 3 calls, 10s apart, on one connection, a token for each connection, offers before ready, "
        "never retries"
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "softphone:\n  like: sdk-2.3.2",
            'p.yaml:2: softphone.like: "sdk-2.3.2" is not a behaviour, did you mean sdk-2.3.1? '
            "There are genesys-streaming-19, jmeter-default, jssip-3, purecloud-streaming-11, recommended, sdk-2.1.0, "
            "sdk-2.3.1, sip.js-0.21",
        ),
        (
            "softphone: {like: polite}",
            'p.yaml:1: softphone.like: "polite" is not a behaviour, there are genesys-streaming-19, jmeter-default, '
            "jssip-3, purecloud-streaming-11, recommended, sdk-2.1.0, sdk-2.3.1, sip.js-0.21",
        ),
        ("softphone: {like: [a]}", "p.yaml:1: softphone.like: must be text, not a list"),
        ("softphone: recommended", 'p.yaml:1: softphone: must be a mapping (key: value), not "recommended"'),
        ("softphone: {retry:}", "p.yaml:1: softphone.retry: must be a mapping (key: value), not null"),
        ("softphone: {retry: {jiter: full}}", "p.yaml:1: softphone.retry.jiter: unknown key, did you mean jitter?"),
        (
            "softphone: {retry: {jitter: ful}}",
            'p.yaml:1: softphone.retry.jitter: "ful" is not one of the choices, did you mean full?',
        ),
        ("softphone: {retry: {max_retries: -1}}", "p.yaml:1: softphone.retry.max_retries: must be at least 0"),
        ("softphone: {retry: {multiplier: 0.5}}", "p.yaml:1: softphone.retry.multiplier: must be at least 1"),
        (
            "softphone: {retry: {initial: 1000}}",
            "p.yaml:1: softphone.retry.initial: 1000 is not a duration, did you mean milliseconds? Then write 1s; "
            "seconds are 1000s",
        ),
        ("softphone: {calls: {count: 0}}", "p.yaml:1: softphone.calls.count: must be at least 1"),
        ("softphone: {calls: 3}", "p.yaml:1: softphone.calls: must be a mapping (key: value), not 3"),
    ],
)
def test_bad_input_is_reported_with_its_line(text: str, line: str) -> None:
    assert problem(text) == line


def test_a_time_limit_of_nothing_is_refused_with_the_reason() -> None:
    why = "every attempt would fail before its answer, give it the time that a client waits"
    assert problem("softphone: {timeout: 0s}") == f"p.yaml:1: softphone.timeout: 0s: {why}"
