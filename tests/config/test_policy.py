"""The policy file: defaults, documentation, secrets, and the messages about a wrong one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from locust_softphone.config.genesys_cloud_policy import GenesysCloud
from locust_softphone.config.limit_kinds import TokenBucketPolicy
from locust_softphone.config.policy import Limits
from locust_softphone.config.sip_policy import SipPolicy
from locust_softphone.config.strict_yaml import loads
from locust_softphone.edge import Policy, load_policy
from locust_softphone.errors import InputError


def policy(tmp_path: Path, text: str) -> Policy:
    file = tmp_path / "policy.yaml"
    file.write_text(text)
    return load_policy(file)


def test_a_key_that_is_left_out_has_its_default(tmp_path: Path) -> None:
    loaded = policy(tmp_path, "limits: {offer: {rate: 300/min, burst: 7}}\noffer_deadline: 250ms\n")
    (offer,) = loaded.limits.offer
    assert isinstance(offer, TokenBucketPolicy)
    assert (offer.rate, offer.burst) == (5.0, 7)
    assert loaded.offer_deadline_s == 0.25
    assert loaded.limits.token == Policy().limits.token
    assert loaded.organisations == Policy().organisations


def test_the_documentation_has_every_key_with_its_default() -> None:
    text = (Path(__file__).parents[2] / "docs" / "simulated-edge.md").read_text()
    documented = text.partition("```yaml\n")[2].partition("```")[0]
    assert loads(documented, Policy) == Policy()
    for model in (Policy, Limits, GenesysCloud, SipPolicy):
        for name, field in model.model_fields.items():
            assert re.search(rf"^\s*(# )?{field.alias or name}:( |$)", documented, re.MULTILINE), name


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    loaded = policy(tmp_path, "organisations: [{client_id: acme, client_secret: hush}]")
    assert "hush" not in repr(loaded) + str(loaded.as_json()) + loaded.model_dump_json()


def test_every_description_says_that_the_default_is_illustrative() -> None:
    for name, field in Policy.model_fields.items():
        assert "illustrative" in (field.description or ""), name


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("limits: {token: {rate: 0/s, burst: 1}}", "limits.token.rate: "),
        ("limits: {token: {rate: 1/s, burst: 0}}", "limits.token.burst: must be at least 1"),
        ("limits: {token: {rate: 1/s}}", "limits.token.burst: is missing"),
        ("limits: {token: {kind: bucket}}", 'limits.token: "bucket" is not one of the choices, '),
        ("limits: {token: {rate: 1/s, burst: 1, bust: 1}}", "limits.token.bust: unknown key, did you mean burst?"),
        ("limits: {token: {rate: 1/s, burst: 1, quota: 1}}", "limits.token.quota: does not belong here"),
        ("limits: {token: [{rate: 1/s}]}", "limits.token[0].burst: is missing"),
        ("limits: {offer: {kind: fixed-window, quota: 1, window: 0s}}", "limits.offer.window: must be longer than 0s"),
        (
            "limits: {offer: {rate: 1/s, burst: 1, key: [shoe]}}",
            'limits.offer.key[0]: "shoe" is not one of the choices',
        ),
        ("limits: {offer: {rate: 1/s, burst: 1, refusal: {status: 200}}}", "limits.offer.refusal.status: must be at l"),
        ("limits: {sessions: {rate: 1/s, burst: 1}}", 'limits.sessions: "token-bucket" is not one of the choices'),
        ("limits: {token: {kind: session-cap, cap: 1}}", 'limits.token: "session-cap" is not one of the choices'),
        ("limits: {token: {rate: 1/s, burst: 1, key: [token]}}", "limits.token: key: the request for a token has none"),
        ("limits: {tokens: {rate: 1/s, burst: 1}}", "limits.tokens: unknown key, did you mean token?"),
        ("setup: {rate: 50, burst: 1}", "setup.rate: 50 is not a rate, write 50/s"),
        ("retry_after: {form: second}", "retry_after.form: "),
        ("retry_after: {advice: now}", "retry_after.advice: "),
        ("offer_deadline: 0s", "offer_deadline: must be longer than 0s"),
        ("token_expires: 0s", "token_expires: must be longer than 0s"),
        ("drop_all_after: 0s", "drop_all_after: must be longer than 0s"),
        ("ping_every: 20", "ping_every: 20 is not a duration, write 20s"),
        ("max_early_retries: -1", "max_early_retries: must be at least 0"),
        ("organisations: []", "organisations: must name at least one"),
        (
            "organisations: [{client_id: '', client_secret: c}]",
            "organisations[0].client_id: string should have at least 1 character",
        ),
        (
            "organisations: [{client_id: a, client_secret: b}, {client_id: a, client_secret: c}]",
            "organisations: two organisations have the same client_id",
        ),
    ],
)
def test_a_wrong_value_is_refused_with_the_reason(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(InputError) as refused:
        policy(tmp_path, f"# mine\n{text}\n")
    assert f"policy.yaml:2: {problem}" in str(refused.value)


def test_the_old_spelling_is_read_with_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    loaded = policy(tmp_path, "patience: 5\nretry_after: {says: next, form: none}\n")
    assert loaded == policy(tmp_path, "max_early_retries: 5\nretry_after: {advice: next-token, form: none}\n")
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path}/policy.yaml:1: patience is now max_early_retries; "
        "line 2: says: next is now advice: next-token (the old spelling is still read)"
    ]
