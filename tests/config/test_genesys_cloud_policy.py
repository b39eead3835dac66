"""The part genesys_cloud of a policy file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic.fields import FieldInfo

from locust_softphone.config.genesys_cloud_policy import GenesysCloud
from locust_softphone.config.strict_yaml import loads
from locust_softphone.edge import Policy
from locust_softphone.errors import InputError

SOURCES = ("illustrative", "forum", "PureCloudPlatformClientV2")


def test_every_description_names_the_source_of_the_default() -> None:
    fields: Iterator[tuple[str, FieldInfo]] = iter(GenesysCloud.model_fields.items())
    for name, field in fields:
        assert any(source in (field.description or "") for source in SOURCES), name


def test_the_documented_limits_are_the_defaults() -> None:
    policy = Policy().genesys_cloud
    assert (policy.requests_per_token.count, policy.requests_per_token.per_s) == (300, 60.0)
    assert policy.channels_per_user == 20
    assert policy.channel_expires_s == 24 * 3600


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("requests_per_token: {count: 0, per: 60s}", "requests_per_token.count: must be at least 1"),
        ("requests_per_token: {count: 300}", "requests_per_token.per: is missing"),
        ("requests_per_token: 300/min", "requests_per_token: must be a mapping"),
        ("channels_per_user: 0", "channels_per_user: must be at least 1"),
        ("sdp_over_xmpp: 2", "sdp_over_xmpp: must be at most 1"),
        ("domain: Edge Example", "domain: must be a domain name in lower case"),
        ("inbound_calls: {rate: 0/s}", "inbound_calls.rate: "),
        ("pings: 5s", "pings: unknown key"),
        ("users: [{name: 'a b', access_token: hush}]", "users[0].name: must be 1 to 64"),
        ("users: [{name: a, access_token: 5309}]", "users[0].access_token: must be text, not this"),
        ("users: [{name: a, access_token: hush}, {name: b, access_token: hush}]", "users: two users have the same"),
    ],
)
def test_a_wrong_value_is_refused_with_the_reason(text: str, problem: str) -> None:
    with pytest.raises(InputError) as refused:
        loads(f"max_early_retries: 3\ngenesys_cloud: {{{text}}}\n", Policy, name="policy.yaml")
    assert f"policy.yaml:2: genesys_cloud.{problem}" in str(refused.value)
    assert "hush" not in str(refused.value)
    assert "5309" not in str(refused.value)


def test_the_organisation_of_a_user_must_exist() -> None:
    with pytest.raises(InputError, match="the user alice has a client_id that none of the organisations has"):
        loads("genesys_cloud: {users: [{name: alice, access_token: hush, client_id: acme}]}", Policy)


def test_a_users_token_is_never_shown() -> None:
    policy = loads("genesys_cloud: {users: [{name: alice, access_token: hush}]}", Policy)
    assert "hush" not in f"{policy!r}{policy.model_dump_json()}{policy.as_json()}"
    assert policy.as_json()["genesys_cloud"]["users"] == [{"name": "alice", "client_id": "locust-softphone"}]
