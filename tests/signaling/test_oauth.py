"""The token request: what is sent, and which responses contain a token."""

from __future__ import annotations

import json
import socket
from base64 import b64decode
from contextlib import closing
from typing import Any

import pytest

from locust_softphone.errors import AttemptFailed
from locust_softphone.limits.advice import LimitAdvice
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.http import HttpConnection
from locust_softphone.signaling.oauth import Credentials, fetch_token, is_header_value
from locust_softphone.signaling.token import Token
from tests.signaling.scripted_server import Script, read_until, says, serving
from tests.signaling.softphones import PATIENT_S

CREDENTIALS = Credentials("client", "hush")


@pytest.mark.parametrize(
    ("client_id", "secret", "encoded", "unencoded"),
    [
        ("client", "a-Z_0.9~", "client:a-Z_0.9~", "client:a-Z_0.9~"),
        ("acme:prod", "p+q%2Fr/", "acme%3Aprod:p%2Bq%252Fr%2F", "acme:prod:p+q%2Fr/"),
        ("client", " %&+£€", "client:+%25%26%2B%C2%A3%E2%82%AC", "client: %&+£€"),  # RFC 6749 appendix B
    ],
)
def test_id_and_secret_are_form_encoded(client_id: str, secret: str, encoded: str, unencoded: str) -> None:
    """RFC 6749 2.3.1; they can also be sent as they are, to servers that do not decode them."""
    assert b64decode(Credentials(client_id, secret).basic).decode() == encoded
    assert b64decode(Credentials(client_id, secret, form_encoded=False).basic).decode() == unencoded


def json_reply(content: object, *headers: str) -> Script:
    body = json.dumps(content)
    lines = ["HTTP/1.1 200 OK", "Connection: close", f"Content-Length: {len(body)}", *headers, "", body]
    return says("\r\n".join(lines).encode())


def fetch(*scripts: Script) -> tuple[Token, LimitAdvice]:
    with serving(*scripts) as target, closing(HttpConnection(target)) as http:
        return fetch_token(http, "X-A: b\r\n", CREDENTIALS.basic, PATIENT_S, 1000.0)


def test_the_secret_is_sent_as_basic_authentication_and_never_shown() -> None:
    requests: list[bytes] = []

    def keeps_the_request(connection: socket.socket) -> None:
        requests.append(read_until(b"client_credentials", connection))
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"access_token":"t"}')

    fetch(keeps_the_request)
    head, _, body = requests[0].decode().partition("\r\n\r\n")
    assert head.startswith("POST /oauth/token HTTP/1.1\r\n")
    assert {"X-A: b", "Authorization: Basic Y2xpZW50Omh1c2g="} <= set(head.split("\r\n"))
    assert body == "grant_type=client_credentials"
    assert "hush" not in repr(CREDENTIALS)


@pytest.mark.parametrize(
    ("lifetime", "expected"),
    [
        ({"expires_in": 60}, 60.0),
        ({"expires_in": 0}, 0.0),
        ({"expires_in": "60"}, 60.0),
        ({"expires_in": None}, 3600.0),
        ({}, 3600.0),
    ],
)
def test_a_token_and_its_lifetime(lifetime: dict[str, Any], expected: float) -> None:
    token, _ = fetch(json_reply({"access_token": "t", **lifetime}))
    assert (token.bearer, token.expires_s) == ("t", 1000.0 + expected)


@pytest.mark.parametrize("token_type", ["Bearer", "bearer", "BEARER", None])
def test_a_bearer_token_is_used_whatever_the_case_of_its_type(token_type: object) -> None:
    assert fetch(json_reply({"access_token": "t", "token_type": token_type}))[0].bearer == "t"


@pytest.mark.parametrize("token_type", ["mac", "DPoP", "Bearer ", ["Bearer"], 1])
def test_a_token_of_another_type_is_not_used(token_type: object) -> None:
    """RFC 6749 7.1: a client must not use a token of a type that it does not understand."""
    with pytest.raises(AttemptFailed, match="not a Bearer token") as caught:
        fetch(json_reply({"access_token": "t", "token_type": token_type}))
    assert caught.value.outcome is Outcome.MALFORMED


def test_the_advice_of_the_response_comes_with_the_token() -> None:
    _, advice = fetch(json_reply({"access_token": "t"}, "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 9"))
    assert advice == LimitAdvice(reset_s=9.0, reset_read_as="seconds")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({"access_token": "a\r\nX-Injected: yes"}, "would add a header"),
        ({"access_token": "two words"}, "not a b64token"),
        ({"access_token": ""}, "empty"),
        ({"access_token": 5}, "not text"),
        ({"access_token": "t", "expires_in": "soon"}, "not a number"),
        ({"access_token": "t", "expires_in": ""}, "not a number"),
        ({"access_token": "t", "expires_in": "-1"}, "negative"),
        ({"access_token": "t", "expires_in": "9" * 5000}, "longer than ten years"),
        ({"access_token": "t", "expires_in": "٣"}, "not an ASCII digit"),
        ({"access_token": "t", "expires_in": True}, "not a number"),
        ({"access_token": "t", "expires_in": -1}, "negative"),
        ({"access_token": "t", "expires_in": 1e12}, "longer than ten years"),
        ({}, "missing"),
        ([], "not an object"),
    ],
)
def test_a_response_without_a_valid_token_is_malformed(content: object, why: str) -> None:
    with pytest.raises(AttemptFailed) as caught:
        fetch(json_reply(content))
    assert (caught.value.outcome, caught.value.status) == (Outcome.MALFORMED, 200), why


@pytest.mark.parametrize(("text", "valid"), [("abc-._~+/=", True), ("", False), ("a b", False), ("ü", False)])
def test_what_can_be_a_header_value(text: str, valid: bool) -> None:
    assert is_header_value(text) is valid
