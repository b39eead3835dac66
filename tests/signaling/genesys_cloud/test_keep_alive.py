"""When a connection counts as dead: the real client's intervals, without waiting for them."""

from __future__ import annotations

from locust_softphone.signaling.dialects.genesys_cloud.keep_alive import Due, Intervals, KeepAlive


def test_35_s_of_silence_where_the_edge_pings() -> None:
    watch = KeepAlive(100.0, edge_pings=True, intervals=Intervals())
    assert (watch.due_s, watch.due(134.9), watch.due(135.0)) == (135.0, Due.NOTHING, Due.GIVE_UP)
    watch.heard(130.0)
    assert (watch.due(164.9), watch.due(165.0)) == (Due.NOTHING, Due.GIVE_UP)


def test_the_client_pings_every_14_s_and_bears_one_miss() -> None:
    watch = KeepAlive(0.0, edge_pings=False, intervals=Intervals())
    assert (watch.due(13.9), watch.due(14.0)) == (Due.NOTHING, Due.PING)
    watch.heard(14.5)  # anything else is no answer
    watch.answered(15.0, well=True)
    assert (watch.due_s, watch.due(29.0)) == (29.0, Due.PING)
    assert (watch.due(43.9), watch.due(44.0)) == (Due.NOTHING, Due.NOTHING)  # missed after 15 s, the first in a row
    assert (watch.due_s, watch.due(58.0)) == (58.0, Due.PING)
    assert watch.due(73.0) is Due.GIVE_UP


def test_an_answer_makes_up_for_a_miss() -> None:
    watch = KeepAlive(0.0, edge_pings=False, intervals=Intervals())
    now_s = 0.0
    for _ in range(3):  # missed, then answered: never two in a row
        assert watch.due(now_s + 14.0) is Due.PING
        assert watch.due(now_s + 29.0) is Due.NOTHING
        assert watch.due(now_s + 43.0) is Due.PING
        now_s += 44.0
        watch.answered(now_s, well=True)


def test_an_error_is_a_miss_too() -> None:
    """XEP-0199 4.2 takes it for a sign of life; the real client does not (ping.js, performPing)."""
    watch = KeepAlive(0.0, edge_pings=False, intervals=Intervals())
    assert watch.due(14.0) is Due.PING
    watch.answered(14.1, well=False)
    assert (watch.due_s, watch.due(28.1)) == (28.1, Due.PING)
    watch.answered(28.2, well=False)
    assert (watch.due_s, watch.due(28.2)) == (28.2, Due.GIVE_UP)
