"""Limits per key."""

from __future__ import annotations

import pytest

from locust_softphone.limits.keyed import KeyedLimit, KeyParts
from locust_softphone.limits.session_cap import SessionCap

ANN = KeyParts("acme", "app", "token-1", "ann", "10.0.0.1")
BOB = KeyParts("acme", "app", "token-1", "bob", "10.0.0.2")
EVE = KeyParts("evil", "app", "token-2", "eve", "10.0.0.1")


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ((), [True, False, False]),  # all requests share one limit
        (("organisation",), [True, False, True]),
        (("client",), [True, False, False]),
        (("token",), [True, False, True]),
        (("user",), [True, True, True]),
        (("address",), [True, True, False]),
        (("token", "address"), [True, True, True]),
    ],
)
def test_each_key_has_its_own_limit(key: tuple[str, ...], expected: list[bool]) -> None:
    keyed = KeyedLimit(lambda: SessionCap(1), key)
    assert [keyed.of(caller).admit(0.0, caller.user).admitted for caller in (ANN, BOB, EVE)] == expected


def test_an_unknown_part_of_a_key_is_an_error() -> None:
    with pytest.raises(ValueError, match="not of shoe"):
        KeyedLimit(lambda: SessionCap(1), ("user", "shoe"))


def test_the_least_recently_used_key_is_forgotten() -> None:
    keyed = KeyedLimit(lambda: SessionCap(1), ("user",), most_keys=2)
    for caller in (ANN, BOB, ANN, EVE):  # Bob is forgotten
        keyed.of(caller).admit(0.0, object())
    assert len(keyed) == 2
    assert not keyed.of(ANN).peek(0.0).admitted
    assert keyed.of(BOB).peek(0.0).admitted
