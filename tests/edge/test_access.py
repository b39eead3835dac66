"""Client credentials and bearer tokens."""

from __future__ import annotations

from base64 import b64encode

import pytest
from pydantic import SecretStr

from locust_softphone.config.genesys_cloud_policy import User
from locust_softphone.config.policy import Organisation
from locust_softphone.edge.access import Access

ORGANISATIONS = [
    Organisation(client_id="acme", client_secret=SecretStr("s3cret:ü")),
    Organisation(client_id="umbrella", client_secret=SecretStr("other")),
    Organisation(client_id="acme:prod", client_secret=SecretStr(" %&+£€")),  # RFC 6749 appendix B
]
USERS = [User(name="alice", access_token=SecretStr("alices-own"), client_id="umbrella")]


def basic(credentials: str) -> str:
    return "Basic " + b64encode(credentials.encode()).decode()


@pytest.fixture
def access() -> Access:
    return Access(ORGANISATIONS, token_expires_s=60.0, users=USERS)


@pytest.mark.parametrize(
    ("authorization", "client_id"),
    [
        (basic("acme:s3cret:ü"), "acme"),  # the first colon ends the id, RFC 7617 2
        (basic("acme:s3cret%3A%c3%BC"), "acme"),  # form-encoded, RFC 6749 2.3.1
        (basic("acme%3Aprod:+%25%26%2B%C2%A3%E2%82%AC"), "acme:prod"),
        (basic("acme:prod: %&+£€"), None),  # not encoded
        (basic("acme:%FF"), None),  # not UTF-8
        (basic("umbrella:other").replace("Basic", "bAsIc"), "umbrella"),  # schemes are case-insensitive, RFC 9110 11.1
        (basic("acme:other"), None),  # another organisation's secret
        (basic("acme:"), None),
        (basic("acme"), None),
        (basic("nobody:"), None),  # an unknown client with an empty secret
        (basic(""), None),
        ("", None),
        ("Basic", None),
        ("Basic !", None),  # not base64
        ("Basic /w==", None),  # not UTF-8
        ("Bearer " + b64encode(b"umbrella:other").decode(), None),
    ],
)
def test_the_client_of_a_basic_header(access: Access, authorization: str, client_id: str | None) -> None:
    assert access.client_id(authorization) == client_id


def organisation(access: Access, authorization: str, now: float) -> str | None:
    grant = access.grant_of_header(authorization, now)
    return None if grant is None else grant.organisation


def test_a_token_is_valid_until_it_expires(access: Access) -> None:
    token = access.issue("acme", now=0.0)
    assert organisation(access, f"Bearer {token}", 59.9) == "acme"
    assert organisation(access, f"bearer {token}", 59.9) == "acme"
    assert organisation(access, f"Bearer {token}", 60.0) is None


def test_an_issued_token_is_valid_for_every_user_and_a_users_token_for_that_user(access: Access) -> None:
    issued, own = access.grant(access.issue("acme", now=0.0), 1.0), access.grant("alices-own", 1e9)
    assert issued is not None
    assert own is not None
    assert (issued.organisation, issued.user) == ("acme", None)
    assert (own.organisation, own.user) == ("umbrella", "alice")


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer nonsense", "Basic nonsense", "Basic alices-own"],
)
def test_a_header_without_a_valid_token_has_no_grant(access: Access, authorization: str) -> None:
    access.issue("acme", now=0.0)
    assert organisation(access, authorization, 1.0) is None


def test_tokens_differ_and_expired_tokens_are_dropped(access: Access) -> None:
    tokens = [access.issue("acme", now=float(second)) for second in range(1000)]
    assert len(set(tokens)) == 1000
    assert len(access) == 60


def test_only_hashes_of_secrets_and_tokens_are_kept(access: Access) -> None:
    token = access.issue("acme", now=0.0)
    kept = str(vars(access))
    assert "acme" in kept
    assert [secret for secret in ("s3cret", "other", "alices-own", token) if secret in kept] == []


@pytest.mark.parametrize("token", ["\udcff", "ü", "\0", "x" * 8000])
def test_any_text_can_be_given_as_a_token(access: Access, token: str) -> None:
    assert access.grant(token, 1.0) is None
    assert access.client_id(basic("acme:" + token.replace("\udcff", ""))) is None
