"""The requests of a softphone, as a parser reads them that is not ours (sipmessage)."""

from __future__ import annotations

from random import Random

from sipmessage import Message, Request

from locust_softphone.signaling.dialects.sip.registration import Registration
from locust_softphone.signaling.dialects.sip.sip_requests import Identity, answer_to, is_answer_to
from locust_softphone.sip_text import parse_sip

IDENTITY = Identity(Random(1), "sip:bob@edge.example", "WSS", "tests")


def a_registration() -> str:
    headers = Registration(IDENTITY, "sip:edge.example", 600.0, Random(2)).headers()
    return IDENTITY.request("REGISTER", "sip:edge.example", [*headers, ("CSeq", "7 REGISTER")], branch="abc")


def test_a_registration_is_one_of_a_browser() -> None:
    read = Message.parse(a_registration().encode())
    assert isinstance(read, Request)
    assert (read.method, str(read.uri), read.cseq.sequence) == ("REGISTER", "sip:edge.example", 7)
    (via,) = read.via
    assert (via.transport, via.parameters["branch"]) == ("WSS", "z9hG4bKabc")
    assert via.host.endswith(".invalid")  # RFC 7118, appendix B.1
    (contact,) = read.contact
    assert contact.uri.host == via.host
    assert contact.parameters["expires"] == "600"
    assert contact.parameters["reg-id"] == "1"  # RFC 5626 4.2
    assert read.from_address.parameters["tag"]


def test_an_answer_belongs_to_the_request_with_its_branch_and_method() -> None:
    answer = parse_sip(answer_to(parse_sip(a_registration()), 200, "OK", tag="x"))
    assert is_answer_to(answer, "abc", "REGISTER")
    assert not is_answer_to(answer, "abd", "REGISTER")
    assert not is_answer_to(answer, "abc", "CANCEL")  # RFC 3261 17.1.3: a CANCEL has the branch of its INVITE
