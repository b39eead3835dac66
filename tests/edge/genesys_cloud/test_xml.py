"""What is taken for a stanza, and what is not."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_softphone.edge.genesys_cloud.xml import NotAStanza, read_element

BILLION_LAUGHS = """<!DOCTYPE lolz [<!ENTITY lol "lol">
<!ENTITY lol1 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;"> <!ENTITY lol2 "&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;">]>
<message>&lol2;</message>"""


def test_names_have_their_namespace() -> None:
    iq = read_element('<iq xmlns="jabber:client" id="1"><x:q xmlns:x="urn:x" x:a="&lt;&amp;">&#252;</x:q><r/></iq>')
    assert [each.tag for each in iq.iter()] == ["{jabber:client}iq", "{urn:x}q", "{jabber:client}r"]
    assert (iq.get("id"), iq[0].get("{urn:x}a"), iq[0].text) == ("1", "<&", "ü")


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("", "not-well-formed"),
        ("hello", "not-well-formed"),
        ("<message>", "not-well-formed"),
        ("<message/><message/>", "not-well-formed"),  # one element a frame, RFC 7395 3.3.3
        ("<x:message/>", "not-well-formed"),  # a prefix that nothing declares
        ('<message a="1" a="2"/>', "not-well-formed"),
        ("<message>\x00</message>", "not-well-formed"),
        ("<message>&nbsp;</message>", "not-well-formed"),  # only XML's own five entities exist
        (BILLION_LAUGHS, "restricted-xml"),
        ('<!DOCTYPE m SYSTEM "file:///etc/passwd"><m/>', "restricted-xml"),
        ('<!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/passwd">]><m>&x;</m>', "restricted-xml"),
        ("<?php hello ?><message/>", "restricted-xml"),
        ("<message><!-- hello --></message>", "restricted-xml"),
        ("<m>" * 33 + "</m>" * 33, "policy-violation"),
        ("<m>" * 20_000, "policy-violation"),  # before it turns out not to be well-formed
    ],
)
def test_what_is_no_stanza(text: str, condition: str) -> None:
    with pytest.raises(NotAStanza) as refused:
        read_element(text)
    assert refused.value.condition == condition


@given(st.text(alphabet='<>/&;"=! abm[]-?', max_size=60))
def test_anything_is_an_element_or_refused(text: str) -> None:
    with suppress(NotAStanza):
        assert read_element(text).tag
