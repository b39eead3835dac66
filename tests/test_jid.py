"""XMPP addresses: the examples of RFC 7622 3.5, and addresses that are the same."""

from __future__ import annotations

import pytest

from locust_softphone.jid import Jid, same_jid


@pytest.mark.parametrize(
    ("text", "jid"),
    [
        ("juliet@example.com", ("juliet", "example.com", "")),
        ("juliet@example.com/foo bar", ("juliet", "example.com", "foo bar")),
        ("juliet@example.com/foo@bar", ("juliet", "example.com", "foo@bar")),
        ("foo\\20bar@example.com", ("foo\\20bar", "example.com", "")),
        ("fußball@example.com", ("fußball", "example.com", "")),  # not fussball: lower case is not case folding
        ("Σ@example.com/foo", ("σ", "example.com", "foo")),
        ("ς@example.com/foo", ("ς", "example.com", "foo")),
        ("king@example.com/♚", ("king", "example.com", "♚")),
        ("a.example.com/b@example.net", ("", "a.example.com", "b@example.net")),  # the slash comes first, 3.1
        ("anna@127.0.0.1", ("anna", "127.0.0.1", "")),
    ],
)
def test_an_address_is_read_in_the_form_that_is_compared(text: str, jid: tuple[str, str, str]) -> None:
    assert Jid.parse(text) == jid


@pytest.mark.parametrize(
    "text",
    [
        *('"juliet"@example.com', "foo bar@example.com", "henryⅣ@example.com", "♚@example.com"),  # RFC 7622 3.5
        *("@example.com/", "juliet@", "/foobar", "", "@", "a@b@example.com", "a@example.com/", "@example.com"),
        *(f"a{char}b@example.com" for char in "\"&':<> \x00\x7f\u200d"),  # 3.3.1, RFC 8264 4.2.2
        "\u05d0a@example.com",  # the Bidi Rule, RFC 5893 2
        *("a@b_c.example", "a@-b.example", "a@b..example", "a@xn--a.example", "a@" + "b" * 64 + ".example"),
        *(
            "a" * 1024 + "@example.com",
            "ä" * 512 + "@example.com",
            "a@example.com/" + "ä" * 512,
        ),  # bytes, not characters
        *("a@example.com/b\nc", "\ud800@example.com", "a@\ud800.example", "a@example.com/\ud800"),
    ],
)
def test_a_text_that_is_not_an_address(text: str) -> None:
    assert Jid.parse(text) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anna@Example.COM/Web", "anna@example.com/Web"),
        ("ANNA@example.com", "\uff21\uff4e\uff4e\uff41@example.com"),  # fullwidth
        ("M\u00dcLLER@example.com", "mu\u0308ller@example.com"),  # composed or not
        ("\uff76\uff9e@example.com", "\u30ac@example.com"),  # halfwidth katakana
        ("anna@B\u00dcCHER.example", "anna@xn--bcher-kva.example"),
        ("anna@example.com.", "anna@example.com"),
        ("anna@example.com/a\u00a0b", "anna@example.com/a b"),
        ("not an address", "not an address"),
    ],
)
def test_two_spellings_of_one_address(one: str, other: str) -> None:
    assert same_jid(one, other)
    assert same_jid(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("anna@example.com/Web", "anna@example.com/web"),  # case counts in a resource
        ("anna@example.com", "anna@example.com/web"),
        ("fußball@example.com", "fussball@example.com"),
        ("\u03c3@example.com", "\u03c2@example.com"),
        ("anna@example.com", "anna@example.org"),
        ("NOT AN ADDRESS", "not an address"),
    ],
)
def test_different_addresses(one: str, other: str) -> None:
    assert not same_jid(one, other)
