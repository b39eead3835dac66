"""haproxy with sticky sessions in front of two edges: each knows only its own tokens and sessions."""

from __future__ import annotations

import pytest

from locust_softphone.signaling.softphone import Softphone
from locust_softphone.signaling.target import Target
from tests.faults.proxies import an_edge, haproxy, missing
from tests.signaling.softphones import Observations, Time, a_fleet

STICKY = """balance roundrobin
  cookie SRV insert indirect nocache
  server other {}:{} cookie other"""
SOFTPHONES = 4


def test_a_softphone_stays_at_the_edge_that_the_cookie_names() -> None:
    if missing("haproxy"):
        pytest.skip("haproxy is not installed")
    with an_edge() as other, haproxy(options="cookie one", backend=STICKY.format(*other.address)) as proxy:
        seen = Observations()
        fleet = a_fleet(Target.parse(proxy.url).resolved(), seen, Time(), token="per-softphone")
        phones = [Softphone(fleet, number, 0.0) for number in range(SOFTPHONES)]
        answered = sum(phone.call() for phone in phones)
        for phone in phones:
            phone.hang_up()
        offers = [edge.stats()["steps"]["offer"]["admitted"] for edge in (proxy.edge, other)]
    assert (answered, seen.failures) == (SOFTPHONES, [])
    assert offers == [SOFTPHONES / 2] * 2
