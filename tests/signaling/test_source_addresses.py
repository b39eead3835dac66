"""Source addresses: how they are written, and which softphone has which. Linux has all of 127.0.0.0/8."""

from __future__ import annotations

import socket
from collections import Counter
from dataclasses import replace

import pytest

from locust_softphone.errors import InputError
from locust_softphone.signaling.source_addresses import SourceAddresses
from locust_softphone.signaling.target import Target
from tests.signaling.softphones import PATIENT_S

OPTION = "--softphone-source-address"
EXAMPLE = "write it like 192.0.2.1, 192.0.2.1,192.0.2.7 or 192.0.2.1-192.0.2.20"


@pytest.mark.parametrize(
    ("text", "addresses", "why"),
    [
        ("127.0.0.2", ("127.0.0.2",), "one"),
        ("127.0.0.9, 127.0.0.2", ("127.0.0.9", "127.0.0.2"), "several, as given"),
        ("127.0.0.254-127.0.1.1", ("127.0.0.254", "127.0.0.255", "127.0.1.0", "127.0.1.1"), "a range"),
        ("127.0.0.1-127.0.0.2,127.0.0.2", ("127.0.0.1", "127.0.0.2"), "each once"),
    ],
)
def test_source_addresses(text: str, addresses: tuple[str, ...], why: str) -> None:
    assert SourceAddresses.parse(text, OPTION).addresses == addresses, why


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("eth0", f"{OPTION} 'eth0': not addresses, {EXAMPLE}"),
        ("127.0.0.1,", f"{OPTION} '127.0.0.1,': not addresses, {EXAMPLE}"),
        ("127.0.0.0/8", f"{OPTION} '127.0.0.0/8': not addresses, {EXAMPLE}"),
        ("127.0.0.9-127.0.0.1", f"{OPTION} '127.0.0.9-127.0.0.1': not addresses, {EXAMPLE}"),
        ("127.0.0.1-::1", f"{OPTION} '127.0.0.1-::1': not addresses, {EXAMPLE}"),
        ("127.0.0.1-127.9.0.1", f"{OPTION} '127.0.0.1-127.9.0.1': 4,096 addresses at most"),
        ("127.0.0.1,192.0.2.1", f"{OPTION} 192.0.2.1: not an address of this machine"),
    ],
)
def test_what_is_not_a_source_address(text: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        SourceAddresses.parse(text, OPTION)
    assert caught.value.problems == (problem,)


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 8])
def test_softphones_are_spread_evenly_and_those_of_each_worker_too(workers: int) -> None:
    """Worker k of n has the softphones k, k + n, k + 2n, …; each connects from its own address every time."""
    sources = SourceAddresses.parse("127.0.0.1-127.0.0.4", OPTION)
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as listener:
        target = replace(Target(*listener.getsockname()).resolved(), sources=sources)

        def comes_from(softphone: int) -> str:
            with socket.socket() as made:
                assert target.sources is not None
                target.sources.bind(made, socket.AF_INET, softphone)
                return str(made.getsockname()[0])

        for worker in range(workers):
            spread = Counter(comes_from(softphone) for softphone in range(worker, 64 * workers, workers))
            assert sorted(spread) == list(sources.addresses)
            assert max(spread.values()) <= 2 * min(spread.values()), spread
        together = Counter(map(comes_from, range(64)))
        assert set(together.values()) == {16}

        seen = []
        for _ in range(2):
            target.connect(PATIENT_S, 1).close()
            accepted, (address, _) = listener.accept()
            accepted.close()
            seen.append(address)
        assert seen == [comes_from(1)] * 2


def test_a_port_serves_several_addresses_of_the_edge() -> None:
    """With IP_BIND_ADDRESS_NO_PORT a socket has no port before it connects: its port is then free towards others."""
    sources = SourceAddresses.parse("127.0.0.2", OPTION)
    with socket.socket() as made:
        sources.bind(made, socket.AF_INET, 0)
        assert made.getsockname() == ("127.0.0.2", 0)


def test_an_edge_of_another_family_cannot_be_reached() -> None:
    target = Target.parse("http://[::1]:1").sent_from(SourceAddresses.parse("127.0.0.2", OPTION))
    with pytest.raises(InputError) as caught:
        target.resolved()
    assert caught.value.problems == ("--host http://[::1]:1: ::1 cannot be reached from 127.0.0.2",)
