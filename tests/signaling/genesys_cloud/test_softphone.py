"""A softphone with the dialect genesys-cloud against the simulated edge: calls, drops, channels, tokens."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from locust_softphone.runs import ledger
from locust_softphone.signaling.dialects.genesys_cloud.channel_use import MAX_CHANNEL_REUSES
from locust_softphone.signaling.dialects.genesys_cloud.client import GenesysCloud
from locust_softphone.signaling.dialects.genesys_cloud.session import Session
from locust_softphone.signaling.dialects.genesys_cloud.users import User
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.target import Target
from tests.edge_process import running_edge
from tests.signaling.softphones import CREDENTIALS, PATIENT_S, Field, Observations, Time, a_fleet


@contextmanager
def a_field(
    policy: str, users: Sequence[User] = (), make: Callable[..., GenesysCloud] = GenesysCloud, **softphone: Any
) -> Iterator[Field]:
    """Softphones against a real edge; at the end the ledger must balance."""

    def dialect(target: Target, *_: object, **options: Any) -> GenesysCloud:
        return make(Hosts.one(target), CREDENTIALS, users=users, **options)

    with running_edge(policy) as edge:
        seen, passing = Observations(), Time()
        target = Target.parse(edge.url).resolved()
        fleet = a_fleet(target, seen, passing, dialect=dialect, **{"like": "genesys-streaming-19", **softphone})
        field = Field(edge, fleet, seen, passing, edge.stats())
        try:
            yield field
        finally:
            field.hang_up()
        gained = field.edge_counted()
        sessions = gained["sessions"]["total"]
        balanced = ledger.balance(seen.tally.counts, gained["steps"], "genesys-cloud", sessions=sessions)
        assert balanced["problems"] == []


def steps(field: Field) -> list[str]:
    return [f"{attempt.step}: {attempt.outcome.value}" for attempt in field.seen.attempts]


@pytest.mark.parametrize("share_over_xmpp", [0, 1])
def test_a_call_over_each_transport(share_over_xmpp: int) -> None:
    with a_field(f"genesys_cloud: {{sdp_over_xmpp: {share_over_xmpp}}}") as field:
        phone = field.softphone()
        assert phone.call()
        assert phone.call()
        phone.hang_up()
        connecting = ["token: ok", "identity: ok", "channel: ok", "handshake: ok", "ready: ok"]
        assert steps(field) == [*connecting, "offer: ok", "offer: ok", "close: ok"]
        assert field.counted("closes.1000") == 1


def test_after_a_refused_channel_the_identity_is_requested_again_and_both_share_a_back_off() -> None:
    policy = "genesys_cloud: {requests_per_token: {count: 1, per: 10m}}"
    with a_field(policy, retry={"max_retries": 3, "retry_after": "ignore"}) as field:
        assert not field.softphone().call()
        assert steps(field) == ["token: ok", "identity: ok", "channel: rate_limited", *["identity: rate_limited"] * 3]
        assert field.time.slept == pytest.approx([2.0, 4.0, 8.0], abs=0.1)


def test_a_known_user_is_not_requested() -> None:
    with a_field("{}", [User("agent-1@edge.example")]) as field:
        phone = field.softphone()
        phone.call()
        assert "identity: ok" not in steps(field)


def drop(phone: Any) -> None:
    """Drop the softphone's connection."""
    phone.session.abort()


def test_a_dropped_softphone_reconnects_to_its_channel_after_2_s_and_its_call_continues() -> None:
    with a_field("{}") as field:
        phone = field.softphone()
        assert phone.call()
        before = len(field.seen.attempts)
        drop(phone)
        phone.hold(0.5)
        assert steps(field)[before:] == ["handshake: ok", "ready: ok"]
        assert field.time.slept == pytest.approx([2.0], abs=0.1)
        assert field.counted("reconnects") == 1


def test_the_tenth_reconnect_requests_a_new_channel() -> None:
    with a_field("{}") as field:
        phone = field.softphone()
        assert phone.call()
        for _ in range(MAX_CHANNEL_REUSES - 1):
            drop(phone)
            phone.hold(0.2)
        assert field.seen.outcomes("channel") == ["ok"]
        drop(phone)
        phone.hold(0.2)
        assert field.seen.outcomes("channel") == ["ok", "ok"]
        assert field.seen.outcomes("identity") == ["ok"]
        assert field.seen.outcomes("handshake") == ["ok"] * (MAX_CHANNEL_REUSES + 1)


def test_after_a_goodbye_the_next_connection_has_a_new_channel() -> None:
    with a_field("{}") as field:
        phone = field.softphone()
        phone.call()
        phone.hang_up()
        phone.call()
        assert field.seen.outcomes("channel") == ["ok", "ok"]
        assert field.seen.outcomes("token") == ["ok"]


@pytest.mark.parametrize("unauthorized", ["give-up", "renew"])
def test_a_given_token_that_is_rejected_is_final(unauthorized: str) -> None:
    users = [User("agent-1@edge.example", "of-somebody-else")]
    with a_field("{}", users, retry={"unauthorized": unauthorized}) as field:
        assert not field.softphone().call()
        assert steps(field) == ["channel: unauthorized"]
        assert field.counted("gave_up") == 1


def test_inbound_calls_are_answered_and_counted() -> None:
    with a_field("genesys_cloud: {inbound_calls: {rate: 20/s}}") as field:
        phone = field.softphone()
        assert phone.call()
        assert isinstance(phone.session, Session)
        phone.session.end_calls()  # the edge rings those who are in no call
        deadline_s = time.perf_counter() + PATIENT_S
        while not field.counted("inbound_calls_answered") and time.perf_counter() < deadline_s:
            phone.hold(0.1)
        assert field.counted("inbound_calls_answered") == 1
        assert field.seen.outcomes("offer") == ["ok"]


def test_softphone_names_are_sent_only_to_an_edge_of_one_origin() -> None:
    options: dict[str, Any] = {"timeout_s": 1.0, "user_agent": "tests", "random": random.Random(1)}
    one = Hosts.one(Target.parse("http://127.0.0.1:1"))
    several = Hosts(one.api, Target.parse("http://127.0.0.1:2"), one.streaming)
    assert "X-Softphone-Id" in GenesysCloud(one, CREDENTIALS, **options).identity(1)
    assert "X-Softphone-Id" not in GenesysCloud(several, CREDENTIALS, **options).identity(1)
