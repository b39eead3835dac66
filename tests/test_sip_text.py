"""SIP messages as text: what is understood, what is refused, and that nothing else happens."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from locust_softphone.sip_text import (
    MAX_SIP_CHARACTERS,
    SipError,
    SipMessage,
    address,
    auth_parameters,
    format_sip,
    parse_sip,
    split_values,
    user_of,
)

INVITE = (
    "INVITE sip:bob@edge.example SIP/2.0\r\n"
    "v: SIP/2.0/WS a.invalid;branch=z9hG4bK1\r\n"
    'f: "Alice, A." <sip:alice@edge.example>\r\n ;tag=1\r\n'
    "t: <sip:bob@edge.example>\r\n"
    "i: abc\r\nCSEQ : 1 INVITE\r\nl: 4\r\n\r\nv=0\n"
)


def test_compact_names_folded_lines_and_blanks_before_the_colon() -> None:
    message = parse_sip(INVITE)
    assert (message.method, message.uri, message.status) == ("INVITE", "sip:bob@edge.example", 0)
    assert message.get("via").endswith("branch=z9hG4bK1")
    assert address(message.get("from")).tag == "1"
    assert (message.call_id, message.cseq, message.body) == ("abc", (1, "INVITE"), "v=0\n")


def test_the_values_of_a_list_over_several_lines() -> None:
    message = parse_sip('SIP/2.0 200 OK\r\nContact: <sip:a@x;p=1,2>;q=1, "B, C" <sip:b@x>\r\nContact: sip:c@x\r\n\r\n')
    assert message.values("contact") == ["<sip:a@x;p=1,2>;q=1", '"B, C" <sip:b@x>', "sip:c@x"]


def test_a_body_is_as_long_as_its_content_length_in_bytes() -> None:
    assert parse_sip("SIP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nabc").body == "ab"
    assert parse_sip("SIP/2.0 200 OK\r\nContent-Length: 2\r\n\r\né").body == "é"
    assert parse_sip("SIP/2.0 200 OK\r\n\r\nabc").body == "abc"  # RFC 7118 5.4: it may be left out


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\r\n\r\n",
        "SIP/2.0 200 OK\r\n",  # no empty line
        "SIP/2.0 20 OK\r\n\r\n",
        "SIP/2.0 999 OK\r\n\r\n",
        "SIP/3.0 200 OK\r\n\r\n",
        "INVITE  sip:a@b SIP/2.0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "SIP/2.0 200 OK\r\nno colon\r\n\r\n",
        "SIP/2.0 200 OK\r\na b: c\r\n\r\n",  # not a token
        "SIP/2.0 200 OK\r\nSubject: a\nEvil: b\r\n\r\n",  # LF alone would be another header for a lenient reader
        "SIP/2.0 200 OK\r\nSubject: a\0\r\n\r\n",
        "SIP/2.0 200 OK\r\nContent-Length: -1\r\n\r\n",
        "SIP/2.0 200 OK\r\nContent-Length: 4\r\n\r\nabc",
        "SIP/2.0 200 OK\r\n" + "a: b\r\n" * 129 + "\r\n",
        "SIP/2.0 200 OK\r\na: " + "b" * 9000 + "\r\n\r\n",
        "SIP/2.0 200 OK\r\n\r\n" + "x" * MAX_SIP_CHARACTERS,
    ],
)
def test_what_is_not_a_message(text: str) -> None:
    with pytest.raises(SipError):
        parse_sip(text)


@pytest.mark.parametrize(
    ("value", "uri", "parameters"),
    [
        ("<sip:a@b;transport=ws>;tag=1;ob", "sip:a@b;transport=ws", {"tag": "1", "ob": ""}),
        ('"A <b> \\" c" <sip:a@b>;tag=1', "sip:a@b", {"tag": "1"}),
        ("Alice <sip:a@b>", "sip:a@b", {}),
        ("sip:a@b;tag=1", "sip:a@b", {"tag": "1"}),  # of the header, RFC 3261 20
        ('<sip:a@b>;+sip.instance="<urn:uuid:1>"', "sip:a@b", {"+sip.instance": "<urn:uuid:1>"}),
    ],
)
def test_an_address(value: str, uri: str, parameters: dict[str, str]) -> None:
    found = address(value)
    assert (found.uri, dict(found.parameters)) == (uri, parameters)


@pytest.mark.parametrize("value", ["", "<sip:a@b", '"A <sip:a@b>', "<>", "<sip:a b>"])
def test_what_is_not_an_address(value: str) -> None:
    with pytest.raises(SipError):
        address(value)


def test_the_parameters_of_a_challenge() -> None:
    scheme, found = auth_parameters(
        'Digest realm="a \\"b\\", c", NONCE="1==",qop="auth,auth-int",algorithm=MD5,stale=TRUE'
    )
    assert scheme == "digest"
    assert found == {"realm": 'a "b", c', "nonce": "1==", "qop": "auth,auth-int", "algorithm": "MD5", "stale": "TRUE"}


@pytest.mark.parametrize(
    ("uri", "user"),
    [("sip:bob@x", "bob"), ("SIPS:bob:secret@x;a=b", "bob"), ("sip:+1202@x", "+1202"), ("sip:x", ""), ("tel:+1", "")],
)
def test_the_user_of_a_uri(uri: str, user: str) -> None:
    assert user_of(uri) == user


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=400))
@example(INVITE)
@example('SIP/2.0 200 OK\r\nContact: "' + '\\"<' * 2000 + "\r\n\r\n")
def test_any_text_is_a_message_or_an_error(text: str) -> None:
    for tried in (text, f"SIP/2.0 200 OK\r\n{text}\r\n\r\n", f"SIP/2.0 200 OK\r\nContact: {text}\r\n\r\n"):
        try:
            message = parse_sip(tried)
            for value in message.values("contact"):
                address(value)
        except SipError:
            continue
        assert isinstance(message, SipMessage)
        assert message.cseq[0] >= -1
        auth_parameters(message.get("contact"))


_VALUE = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=40).map(str.strip)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["Subject", "Via", "X-Any"]), _VALUE), max_size=6), _VALUE)
def test_what_is_written_is_read(headers: list[tuple[str, str]], body: str) -> None:
    message = parse_sip(format_sip("OPTIONS sip:a@b SIP/2.0", headers, body))
    for name in ("Subject", "Via", "X-Any"):
        assert message.headers.get(name.lower(), []) == [value for each, value in headers if each == name]
    assert message.body == body


def test_values_are_split_in_linear_time() -> None:
    pieces = list(split_values('"' + "\\" * 60_001 + ",<" * 30_000))
    assert len(pieces) <= 2
