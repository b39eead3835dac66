"""Stanzas read from text that nobody vouches for: what is understood, and what is refused before it can do harm."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_softphone.signaling.xmpp.stanza import MAX_CHARACTERS, MAX_DEPTH, StanzaError, escape, parse

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


def test_names_carry_their_namespace_and_text_is_the_elements_own() -> None:
    iq = parse('<iq xmlns="jabber:client" id="1"><q xmlns="a:b">x<r/>y</q><q xmlns="a:b"/></iq>')
    assert (iq.name, iq.get("id"), iq.get("to")) == ("jabber:client iq", "1", "")
    first = iq.find("a:b q")
    assert first is not None
    assert (first.text, [child.name for child in first.children]) == ("xy", ["a:b r"])
    assert len(iq.find_all("a:b q")) == 2
    assert iq.find("q") is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f'<!DOCTYPE l [<!ENTITY l0 "ha">{LAUGHS}]><l>&l9;</l>', "a DTD"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "a DTD"),
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "a DTD"),
        ("<a><!-- hello --></a>", "a comment"),
        ("<a><?php ?></a>", "processing instruction"),
        ("<a>&nbsp;</a>", "not well-formed"),
        ("<a/><b/>", "not well-formed"),
        ("<a><b></a></b>", "not well-formed"),
        ("<p:a/>", "not well-formed"),
        ("<a>\0</a>", "not well-formed"),
        ("<a>\ud800</a>", "not well-formed"),
        ("", "not well-formed"),
        ("   ", "not well-formed"),
        ("hello", "not well-formed"),
        ("<a>" * (MAX_DEPTH + 1) + "</a>" * (MAX_DEPTH + 1), "nested deeper"),
        ("<a>" * 80_000, "nested deeper"),
        (f"<a>{'x' * MAX_CHARACTERS}</a>", "longer than"),
    ],
)
def test_what_is_refused(text: str, why: str) -> None:
    with pytest.raises(StanzaError, match=why):
        parse(text)


def test_as_deep_as_is_allowed() -> None:
    assert parse("<a>" * MAX_DEPTH + "</a>" * MAX_DEPTH).name == "a"


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")))
def test_what_is_escaped_comes_back_as_it_was(text: str) -> None:
    element = parse(f'<a b="{escape(text)}">{escape(text)}</a>')
    assert (element.get("b"), element.text) == (text, text)


@given(st.text(alphabet="<>/&;!?[]ab=\"' -", max_size=60))
def test_whatever_comes_is_a_stanza_or_refused(text: str) -> None:
    with suppress(StanzaError):
        parse(text)
