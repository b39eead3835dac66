"""JSON and XML from the network: what is read, and what is refused before it can do harm."""

from __future__ import annotations

from contextlib import suppress
from xml.etree.ElementTree import ParseError, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_softphone.signaling.xmpp.stanza import escape
from locust_softphone.untrusted import MAX_XML_CHARACTERS, MAX_XML_DEPTH, XmlError, json_object, xml_element

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize("text", ['{"a": [1, "ü"]}', '{"a": [1, "ü"]}'.encode()])
def test_a_json_object(text: str | bytes) -> None:
    assert json_object(text) == {"a": [1, "ü"]}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "nothing"),
        ("[]", "an array"),
        ("null", "null"),
        ("{", "not complete"),
        ("{'a': 1}", "single quotes"),
        ('{"a": NaN}', "a constant of JavaScript"),
        ('{"a": Infinity}', "a constant of JavaScript"),
        ('{"a": ' + "9" * 5000 + "}", "past Python's limit for int()"),
        ("[" * 100_000, "deeper than the interpreter's stack"),
        (b"\xff\xfe{}", "not UTF-8"),
    ],
)
def test_anything_but_a_json_object_is_an_empty_object(text: str | bytes, why: str) -> None:
    assert json_object(text) == {}, why


def test_the_names_of_an_element_include_the_namespace() -> None:
    iq = xml_element('<iq xmlns="jabber:client" id="1"><x:q xmlns:x="urn:x" x:a="&lt;&amp;">&#252;</x:q><r/></iq>')
    assert [each.tag for each in iq.iter()] == ["{jabber:client}iq", "{urn:x}q", "{jabber:client}r"]
    assert (iq.get("id"), iq[0].get("{urn:x}a"), iq[0].text) == ("1", "<&", "ü")


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        (f'<!DOCTYPE l [<!ENTITY l0 "ha">{LAUGHS}]><l>&l9;</l>', "restricted-xml"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "restricted-xml"),
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "restricted-xml"),
        ("<a><!-- hello --></a>", "restricted-xml"),
        ("<a><?php ?></a>", "restricted-xml"),
        ("<?php hello ?><a/>", "restricted-xml"),
        ("<a>&nbsp;</a>", "not-well-formed"),  # only the five entities of XML exist
        ("<a/><b/>", "not-well-formed"),  # one element in each message, RFC 7395 3.3.3
        ("<a><b></a></b>", "not-well-formed"),
        ("<a>", "not-well-formed"),
        ('<a b="1" b="2"/>', "not-well-formed"),
        ("<p:a/>", "not-well-formed"),  # an undeclared prefix
        ("<a>\0</a>", "not-well-formed"),
        ("<a>\ud800</a>", "not-well-formed"),
        ("", "not-well-formed"),
        ("   ", "not-well-formed"),
        ("hello", "not-well-formed"),
        ("<a>" * (MAX_XML_DEPTH + 1) + "</a>" * (MAX_XML_DEPTH + 1), "policy-violation"),
        ("<a>" * 80_000, "policy-violation"),  # before it turns out not to be well-formed
        (f"<a>{'x' * MAX_XML_CHARACTERS}</a>", "policy-violation"),
    ],
)
def test_what_is_refused_as_xml(text: str, condition: str) -> None:
    with pytest.raises(XmlError) as refused:
        xml_element(text)
    assert refused.value.condition == str(refused.value) == condition


def test_the_deepest_element_that_is_read() -> None:
    assert xml_element("<a>" * MAX_XML_DEPTH + "</a>" * MAX_XML_DEPTH).tag == "a"


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")))
def test_what_a_softphone_escapes_is_read_unchanged(text: str) -> None:
    element = xml_element(f'<a b="{escape(text)}">{escape(text)}</a>')
    assert (element.get("b"), element.text or "") == (text, text)


@given(st.text(alphabet="<>/&;!?[]ab=\"' -", max_size=60))
def test_any_text_is_an_element_or_refused(text: str) -> None:
    with suppress(XmlError):
        assert xml_element(text).tag


@given(
    st.from_regex(
        r"""<[ab:-]{1,2}( (xmlns|x|y-z|x:y|xmlns:x|)=["'](urn:a|http://www.w3.org/2000/xmlns/|[ab {}'&<>]{0,3})["'])*"""
        r""" ?(/>|></[ab]{1,2}>)[ \n]?""",
        fullmatch=True,
    )
)
def test_a_plain_element_is_what_the_standard_library_reads(text: str) -> None:
    try:
        judge = fromstring(text)
    except ParseError:
        with pytest.raises(XmlError):
            xml_element(text)
    else:
        found = xml_element(text)
        assert (found.tag, found.attrib, found.text, len(found)) == (judge.tag, judge.attrib, judge.text, len(judge))
