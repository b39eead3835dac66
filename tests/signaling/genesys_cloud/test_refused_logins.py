"""Refused logins, first and later ones: which are final, and which need a new token or channel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import inf
from typing import Any

import pytest

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.dialects.genesys_cloud.client import GenesysCloud
from locust_softphone.signaling.dialects.genesys_cloud.users import User
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.softphone import Softphone
from locust_softphone.signaling.target import Target
from locust_softphone.signaling.token import Token
from locust_softphone.signaling.xmpp.login import LATER
from tests.edge_process import running_edge
from tests.signaling.genesys_cloud.scripted_gateway import CLOSE, DOMAIN, Gateway, a_session, streaming
from tests.signaling.genesys_cloud.test_softphone import a_field, drop, steps
from tests.signaling.scripted_server import Script, passes_on, serving
from tests.signaling.softphones import CREDENTIALS, PATIENT_S, Observations, Time, a_fleet

CONDITIONS = (  # RFC 6120 6.5
    "aborted",
    "account-disabled",
    "credentials-expired",
    "encryption-required",
    "incorrect-encoding",
    "invalid-authzid",
    "invalid-mechanism",
    "malformed-request",
    "mechanism-too-weak",
    "not-authorized",
    "temporary-auth-failure",
)
BACK = ["handshake: ok", "ready: ok"]


def refusal(condition: str) -> str:
    return f'<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><{condition}/><text xml:lang="en">no</text></failure>'


@pytest.mark.parametrize("condition", CONDITIONS)
def test_which_conditions_are_final(condition: str) -> None:
    def script(gateway: Gateway) -> None:
        gateway.opens()
        gateway.says(refusal(condition), CLOSE)
        gateway.closes(1000)

    with a_session(script) as session, pytest.raises(AttemptFailed) as caught:
        session.wait_ready()
    assert caught.value.outcome is (Outcome.UNAVAILABLE if condition in LATER else Outcome.UNAUTHORIZED)


def no_features(gateway: Gateway) -> None:
    assert gateway.hears().startswith("<open")


def no_mechanism(gateway: Gateway) -> None:
    no_features(gateway)
    gateway.says('<stream:features xmlns:stream="http://etherx.jabber.org/streams"/>')


def refused(gateway: Gateway) -> None:
    gateway.opens()
    gateway.says(refusal("not-authorized"))


@pytest.mark.parametrize("begins", [no_features, no_mechanism, refused])
def test_a_login_that_fails_is_closed_by_the_softphone(begins: Callable[[Gateway], None]) -> None:
    heard: list[str] = []

    def script(gateway: Gateway) -> None:
        begins(gateway)
        heard.extend((gateway.hears(), gateway.hears()))

    with a_session(script, timeout_s=PATIENT_S if begins is not no_features else 0.2) as session:
        seen, passing = Observations(), Time()
        context = a_fleet(Target("127.0.0.1", 1), seen, passing, retry={"max_retries": 0})
        phone = Softphone(context, 0, 0.0)
        phone.session = session
        phone._authorization._token = Token("unused", inf, inf)
        assert not phone.call()
    assert heard == [CLOSE, ""], "then comes a close frame"
    assert {name for name in seen.tally.counts if "close" in name or "cut" in name} == {"own_cuts"}


# Against the real edge: a token that was good at the first login, and is not at the next.


def revoke_token(phone: Softphone) -> None:
    """Revoke the softphone's token without its knowledge."""
    assert phone._authorization._token is not None
    phone._authorization._token = replace(phone._authorization._token, bearer="revoked", expires_s=inf)


def test_a_client_that_renews_reconnects_with_a_new_token_on_a_new_channel() -> None:
    with a_field("{}", retry={"unauthorized": "renew"}) as field:
        phone = field.softphone()
        assert phone.call()
        before = len(field.seen.attempts)
        revoke_token(phone)
        drop(phone)
        phone.hold(0.5)
        assert steps(field)[before:] == ["handshake: ok", "ready: unauthorized", "token: ok", "channel: ok", *BACK]
        assert field.counted("reconnects") == 1
        assert field.edge_counted()["logins"] == {"admitted": 2, "refused": 1}
        assert phone.in_call


def test_the_real_client_gives_up() -> None:
    with a_field("{}") as field:
        phone = field.softphone()
        assert phone.call()
        before = len(field.seen.attempts)
        revoke_token(phone)
        drop(phone)
        phone.hold(0.5)
        assert steps(field)[before:] == ["handshake: ok", "ready: unauthorized"]
        assert (field.counted("reconnects.failed"), field.counted("reconnects")) == (1, 0)
        assert not phone.connected


def test_an_expired_token_is_renewed_before_the_login() -> None:
    with a_field("{}") as field:
        phone = field.softphone()
        assert phone.call()
        before = len(field.seen.attempts)
        assert phone._authorization._token is not None
        phone._authorization._token = replace(phone._authorization._token, expires_s=0.0)
        drop(phone)
        phone.hold(0.5)
        assert steps(field)[before:] == ["token: ok", *BACK]


# Between the softphone and the edge: somebody who refuses a login in the edge's name.


@contextmanager
def refused_once(condition: str) -> Iterator[tuple[Softphone, Observations]]:
    """A softphone like the real client whose second login is refused; everything else reaches the edge."""

    def script(gateway: Gateway) -> None:
        gateway.opens()
        gateway.says(refusal(condition), CLOSE)
        gateway.closes(1000)

    with running_edge("genesys_cloud: {users: [{name: agent, access_token: of-the-agent}]}") as edge:
        target = Target.parse(edge.url).resolved()
        wire: Script = passes_on(target)
        users = [User(f"agent@{DOMAIN}", "of-the-agent")]
        with serving(wire, streaming(script), wire) as between:

            def dialect(*_: object, **options: Any) -> GenesysCloud:
                return GenesysCloud(Hosts(target, target, between), CREDENTIALS, users=users, **options)

            seen, passing = Observations(), Time()
            context = a_fleet(target, seen, passing, dialect=dialect, like="genesys-streaming-19")
            phone = Softphone(context, 0, 0.0)
            try:
                yield phone, seen
            finally:
                phone.hang_up()


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("mechanism-too-weak", ["ready: unavailable", "channel: ok", *BACK]),
        ("temporary-auth-failure", ["ready: unauthorized"]),  # which its predecessor tried again
    ],
)
def test_a_later_login_that_is_refused(condition: str, expected: list[str]) -> None:
    with refused_once(condition) as (phone, seen):
        assert phone.call()
        before = len(seen.attempts)
        drop(phone)
        phone.hold(0.5)
        found = [f"{attempt.step}: {attempt.outcome.value}" for attempt in seen.attempts[before:]]
        assert found == ["handshake: ok", *expected]
