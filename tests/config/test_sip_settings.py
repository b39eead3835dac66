"""The part ``sip`` of a profile: who the softphones are, whom they call, and what is refused with its line."""

from __future__ import annotations

import pytest

from locust_softphone.config.profile import Profile
from locust_softphone.config.sip_settings import SipSettings
from locust_softphone.config.strict_yaml import loads
from locust_softphone.errors import InputError

START = "name: a\nusers: 3\nramp: 0s\ndialect: sip\n"


def test_users_and_passwords_are_numbered() -> None:
    settings = SipSettings(user="agent{number}", first_number=1000)
    assert [settings.user_of(number) for number in (0, 1)] == ["agent1000", "agent1001"]
    assert settings.password_of(1, "pw-{number}") == "pw-1001"
    assert settings.password_of(1, "the same") == "the same"


@pytest.mark.parametrize(
    ("call", "called"),
    [
        ("+12025550100", "sip:+12025550100@acme.example"),
        ("sip:bob@other.example", "sip:bob@other.example"),
        ("softphone", "sip:softphone-2@acme.example"),
    ],
)
def test_whom_a_softphone_calls(call: str, called: str) -> None:
    assert SipSettings(domain="acme.example", call=call).callee_of(2) == called


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("sip: {user: agent}", 'p.yaml:5: sip.user: "agent" gives all softphones the same user, write {number} where'),
        ("sip:\n  user: 'a b{number}'", 'p.yaml:6: sip.user: "a b{number}" has characters that the user part'),
        ("sip: {domain: 'Acme Example'}", 'p.yaml:5: sip.domain: "Acme Example" is not a domain name in lower case'),
        ("sip: {call: 'a b'}", 'p.yaml:5: sip.call: "a b" is neither a number, a user, a SIP URI nor "softphone"'),
        ("sip: {path: ws}", 'p.yaml:5: sip.path: "ws" is not a path, write one such as /ws'),
        ("sip: {expire: 60s}", "p.yaml:5: sip.expire: unknown key, did you mean expires?"),
        (
            "softphone: {like: sdk-2.1.0}",
            "p.yaml:5: softphone: ready: ignore: in the dialect sip a softphone calls once",
        ),
        ("expect: [rate_limited.token == 0]", "p.yaml:5: expect"),
    ],
)
def test_mistakes_are_found_with_their_line(text: str, problem: str) -> None:
    with pytest.raises(InputError) as refused:
        loads(START + text, Profile, name="p.yaml")
    assert str(refused.value).startswith(problem)


def test_other_dialects_have_no_sip() -> None:
    with pytest.raises(InputError, match=r"p\.yaml:4: sip: only for the dialect sip"):
        loads("name: a\nusers: 3\nramp: 0s\nsip: {domain: acme.example}", Profile, name="p.yaml")
