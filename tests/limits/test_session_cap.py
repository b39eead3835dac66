"""Caps of open sessions."""

from __future__ import annotations

from math import inf

import pytest

from locust_softphone.limits.session_cap import CuttingCap, EvictingCap, SessionCap


def test_only_the_end_of_a_session_makes_room() -> None:
    cap = SessionCap(2)
    assert [cap.admit(0.0, name).admitted for name in "abc"] == [True, True, False]
    assert not cap.admit(1e6, "c").admitted
    cap.release(1e6, "a")
    assert cap.admit(1e6, "c").admitted
    assert not cap.admit(1e6, "d").admitted


def test_the_wait_for_room_is_infinite() -> None:
    cap = SessionCap(2)
    assert [cap.admit(0.0, name).wait_s for name in "abc"] == [0.0, inf, inf]


def test_releasing_a_refused_session_has_no_effect() -> None:
    cap = SessionCap(1)
    cap.admit(0.0, "a")
    cap.admit(0.0, "b")
    cap.release(0.0, "b")
    cap.release(0.0, "b")
    assert len(cap) == 1


def test_two_open_sessions_with_one_name_are_an_error() -> None:
    cap = SessionCap(2)
    cap.admit(0.0, "a")
    with pytest.raises(ValueError, match="the session 'a' is open already"):
        cap.admit(0.0, "a")


def test_beyond_a_cutting_cap_a_session_is_accepted_and_cut() -> None:
    cap = CuttingCap(1, cut_after_s=2.0)
    assert cap.admit(0.0, "a").cut_after_s == inf
    beyond = cap.admit(0.0, "b")
    assert beyond.admitted
    assert beyond.cut_after_s == 2.0
    assert len(cap) == 1


def test_beyond_an_evicting_cap_the_oldest_is_ended() -> None:
    cap = EvictingCap(2)
    assert [cap.admit(0.0, name).evicted for name in "abcd"] == [(), (), ("a",), ("b",)]
    cap.release(0.0, "a")  # it is gone already
    cap.release(0.0, "c")
    assert [cap.admit(0.0, name).evicted for name in "ef"] == [(), ("d",)]
