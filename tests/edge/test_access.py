"""Credentials and tokens."""

from __future__ import annotations

from base64 import b64encode

import pytest
from pydantic import SecretStr

from locust_softphone.edge.access import Access
from locust_softphone.edge.policy import Organisation

ORGANISATIONS = [
    Organisation(client_id="acme", client_secret=SecretStr("s3cret:ü")),
    Organisation(client_id="umbrella", client_secret=SecretStr("other")),
]


def basic(credentials: str) -> str:
    return "Basic " + b64encode(credentials.encode()).decode()


@pytest.fixture
def access() -> Access:
    return Access(ORGANISATIONS, token_expires_s=60.0)


@pytest.mark.parametrize(
    ("authorization", "client_id"),
    [
        (basic("acme:s3cret:ü"), "acme"),  # the first colon ends the id, RFC 7617 2
        (basic("umbrella:other").replace("Basic", "bAsIc"), "umbrella"),  # schemes have no case, RFC 9110 11.1
        (basic("acme:other"), None),  # somebody else's secret
        (basic("acme:"), None),
        (basic("acme"), None),
        (basic("nobody:"), None),  # unknown, with the empty secret
        (basic(""), None),
        ("", None),
        ("Basic", None),
        ("Basic !", None),  # no base64
        ("Basic /w==", None),  # no UTF-8
        ("Bearer " + b64encode(b"umbrella:other").decode(), None),
    ],
)
def test_client_id(access: Access, authorization: str, client_id: str | None) -> None:
    assert access.client_id(authorization) == client_id


def test_a_token_is_good_until_it_expires(access: Access) -> None:
    token = access.issue("acme", now=0.0)
    assert access.organisation(f"Bearer {token}", 59.9) == "acme"
    assert access.organisation(f"bearer {token}", 59.9) == "acme"
    assert access.organisation(f"Bearer {token}", 60.0) is None


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Bearer nonsense", "Basic nonsense"])
def test_no_token_no_organisation(access: Access, authorization: str) -> None:
    access.issue("acme", now=0.0)
    assert access.organisation(authorization, 1.0) is None


def test_tokens_differ_and_expired_ones_are_dropped(access: Access) -> None:
    tokens = [access.issue("acme", now=float(second)) for second in range(1000)]
    assert len(set(tokens)) == 1000
    assert len(access) == 60
