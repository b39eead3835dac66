"""Channels: who has how many, and which one goes."""

from __future__ import annotations

import pytest

from locust_softphone.edge.genesys_cloud.channels import Channels
from locust_softphone.edge.http_request import Caller

ALICE, BOB = Caller("acme", "alice"), Caller("acme", "bob")
NAMESAKE = Caller("umbrella", "alice")


@pytest.mark.parametrize(
    ("happened", "gone"),
    [
        ("", "a"),  # the one created first
        ("+a", "b"),  # an unconnected one before a connected one
        ("+a -a", "b"),  # a has been used since
        ("+a +b +c", "a"),  # all connected: the one whose socket came first
        ("+c +b +a", "c"),
        ("+a +b -a", "c"),  # unconnected, and not used since it was made
    ],
)
def test_the_least_recently_used_goes_and_unconnected_ones_first(happened: str, gone: str) -> None:
    channels = Channels[str](per_user=3, expires_s=100.0)
    named = {name: channels.create(ALICE, 0.0)[0] for name in "abc"}
    for event in happened.split():
        if event[0] == "+":
            channels.connect(named[event[1]], event[1])
        else:
            channels.disconnect(named[event[1]], event[1])
    _, evicted = channels.create(ALICE, 1.0)
    assert evicted is named[gone]
    assert channels.get(evicted.id, 1.0) is None


def test_to_each_user_their_own() -> None:
    channels = Channels[str](per_user=1, expires_s=100.0)
    created = [channels.create(owner, 0.0) for owner in (ALICE, BOB, NAMESAKE)]
    assert [evicted for _, evicted in created] == [None, None, None]
    assert len({channel.id for channel, _ in created}) == 3


def test_a_channel_expires_and_leaves_room() -> None:
    channels = Channels[str](per_user=1, expires_s=100.0)
    first, _ = channels.create(ALICE, 0.0)
    assert channels.get(first.id, 99.9) is first
    assert channels.get(first.id, 100.0) is None
    assert channels.create(ALICE, 0.0)[1] is None
    assert channels.create(ALICE, 100.0)[1] is None  # it has gone by itself


def test_one_socket_each() -> None:
    channels = Channels[str](per_user=1, expires_s=100.0)
    channel, _ = channels.create(ALICE, 0.0)
    assert channels.connect(channel, "first") is None
    assert channels.connect(channel, "second") == "first"
    channels.disconnect(channel, "first")  # which is told only after it was replaced
    assert channel.socket == "second"


def test_the_end_of_an_evicted_channels_socket_does_no_harm() -> None:
    channels = Channels[str](per_user=1, expires_s=100.0)
    first, _ = channels.create(ALICE, 0.0)
    channels.connect(first, "first")
    second, evicted = channels.create(ALICE, 0.0)
    assert evicted is first
    channels.disconnect(first, "first")
    assert channels.get(second.id, 0.0) is second
