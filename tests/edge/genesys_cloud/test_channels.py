"""Channels: how many each user has, and which one is evicted."""

from __future__ import annotations

import pytest

from locust_softphone.edge.genesys_cloud.channels import Channels
from locust_softphone.edge.http_request import Caller

ALICE, BOB = Caller("acme", "alice"), Caller("acme", "bob")
OTHER_ALICE = Caller("umbrella", "alice")


@pytest.mark.parametrize(
    ("events", "evicted_name"),
    [
        ("", "a"),  # the one that was created first
        ("+a", "b"),  # an unconnected one before a connected one
        ("+a -a", "b"),  # a was used later
        ("+a +b +c", "a"),  # all are connected: the one that connected first
        ("+c +b +a", "c"),
        ("+a +b -a", "c"),  # unconnected, and not used since its creation
    ],
)
def test_the_least_recently_used_channel_is_evicted_unconnected_ones_first(events: str, evicted_name: str) -> None:
    channels = Channels[str](per_user=3, expires_s=100.0)
    named = {name: channels.create(ALICE, 0.0)[0] for name in "abc"}
    for event in events.split():
        if event[0] == "+":
            channels.connect(named[event[1]], event[1])
        else:
            channels.disconnect(named[event[1]], event[1])
    _, evicted = channels.create(ALICE, 1.0)
    assert evicted is named[evicted_name]
    assert channels.get(evicted.id, 1.0) is None


def test_each_user_has_its_own_limit() -> None:
    channels = Channels[str](per_user=1, expires_s=100.0)
    created = [channels.create(owner, 0.0) for owner in (ALICE, BOB, OTHER_ALICE)]
    assert [evicted for _, evicted in created] == [None, None, None]
    assert len({channel.id for channel, _ in created}) == 3


def test_an_expired_channel_does_not_count() -> None:
    channels = Channels[str](per_user=1, expires_s=100.0)
    first, _ = channels.create(ALICE, 0.0)
    assert channels.get(first.id, 99.9) is first
    assert channels.get(first.id, 100.0) is None
    assert channels.create(ALICE, 0.0)[1] is None
    assert channels.create(ALICE, 100.0)[1] is None  # it has expired, so none is evicted


def test_a_second_socket_replaces_the_first() -> None:
    channels = Channels[str](per_user=1, expires_s=100.0)
    channel, _ = channels.create(ALICE, 0.0)
    assert channels.connect(channel, "first") is None
    assert channels.connect(channel, "second") == "first"
    channels.disconnect(channel, "first")  # it disconnects after it was replaced
    assert channel.socket == "second"


def test_the_socket_of_an_evicted_channel_may_disconnect_later() -> None:
    channels = Channels[str](per_user=1, expires_s=100.0)
    first, _ = channels.create(ALICE, 0.0)
    channels.connect(first, "first")
    second, evicted = channels.create(ALICE, 0.0)
    assert evicted is first
    channels.disconnect(first, "first")
    assert channels.get(second.id, 0.0) is second
