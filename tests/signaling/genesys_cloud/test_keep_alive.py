"""When a connection counts as dead: the real client's intervals, without waiting for them."""

from __future__ import annotations

from locust_softphone.signaling.dialects.genesys_cloud.keep_alive import Due, Intervals, KeepAlive


def test_where_the_edge_pings_a_connection_is_dead_after_35_s_of_silence() -> None:
    keep_alive = KeepAlive(100.0, edge_pings=True, intervals=Intervals())
    assert (keep_alive.due_s, keep_alive.due(134.9), keep_alive.due(135.0)) == (135.0, Due.NOTHING, Due.GIVE_UP)
    keep_alive.heard(130.0)
    assert (keep_alive.due(164.9), keep_alive.due(165.0)) == (Due.NOTHING, Due.GIVE_UP)


def test_where_the_client_pings_it_does_so_every_14_s_and_two_misses_in_a_row_end_it() -> None:
    keep_alive = KeepAlive(0.0, edge_pings=False, intervals=Intervals())
    assert (keep_alive.due(13.9), keep_alive.due(14.0)) == (Due.NOTHING, Due.PING)
    keep_alive.heard(14.5)  # other messages are not an answer
    keep_alive.answered(15.0, ok=True)
    assert (keep_alive.due_s, keep_alive.due(29.0)) == (29.0, Due.PING)
    assert (keep_alive.due(43.9), keep_alive.due(44.0)) == (
        Due.NOTHING,
        Due.NOTHING,
    )  # the first miss, after 15 s
    assert (keep_alive.due_s, keep_alive.due(58.0)) == (58.0, Due.PING)
    assert keep_alive.due(73.0) is Due.GIVE_UP


def test_an_answer_resets_the_number_of_misses() -> None:
    keep_alive = KeepAlive(0.0, edge_pings=False, intervals=Intervals())
    now_s = 0.0
    for _ in range(3):  # missed, then answered: never two in a row
        assert keep_alive.due(now_s + 14.0) is Due.PING
        assert keep_alive.due(now_s + 29.0) is Due.NOTHING
        assert keep_alive.due(now_s + 43.0) is Due.PING
        now_s += 44.0
        keep_alive.answered(now_s, ok=True)


def test_an_error_is_a_miss_too() -> None:
    """XEP-0199 4.2 counts an error as a sign of life; the real client does not (ping.js, performPing)."""
    keep_alive = KeepAlive(0.0, edge_pings=False, intervals=Intervals())
    assert keep_alive.due(14.0) is Due.PING
    keep_alive.answered(14.1, ok=False)
    assert (keep_alive.due_s, keep_alive.due(28.1)) == (28.1, Due.PING)
    keep_alive.answered(28.2, ok=False)
    assert (keep_alive.due_s, keep_alive.due(28.2)) == (28.2, Due.GIVE_UP)
