"""What a softphone answers to the requests of others, without a network."""

from __future__ import annotations

from random import Random

import pytest

from locust_softphone import sdp
from locust_softphone.signaling.dialects.sip.sip_calls import TIMER_H_S, Calls
from locust_softphone.signaling.dialects.sip.sip_requests import Identity
from locust_softphone.sip_text import SipMessage, address, format_sip, parse_sip

OFFER = sdp.make_offer(Random(1))
PROXY = "<sip:proxy.example;lr>"


def calls(answer_after_s: float = 0.0) -> Calls:
    random = Random(2)
    return Calls(Identity(random, "sip:bob@edge.example", "WS", "tests"), random, answer_after_s)


def request(
    method: str, *, cseq: int = 1, to_tag: str = "", branch: str = "b1", body: str = "", **headers: str
) -> SipMessage:
    """A request from alice."""
    lines = {
        "Via": f"SIP/2.0/WS a.invalid;branch=z9hG4bK{branch}",
        "From": "<sip:alice@edge.example>;tag=alice",
        "To": "<sip:bob@edge.example>" + (f";tag={to_tag}" if to_tag else ""),
        "Call-ID": "call",
        "CSeq": f"{cseq} {method}",
        "Contact": "<sip:alice@a.invalid;transport=ws>",
        "Record-Route": PROXY,
        **headers,
    }
    return parse_sip(format_sip(f"{method} sip:bob@b.invalid SIP/2.0", lines.items(), body))


def answers(called: Calls, message: SipMessage, now_s: float = 0.0) -> list[SipMessage]:
    return [parse_sip(each) for each in called.on_request(message, now_s)]


def established(called: Calls) -> str:
    """Let alice call; returns bob's tag."""
    answered = answers(called, request("INVITE", body=OFFER))[-1]
    tag = address(answered.get("to")).tag
    called.on_request(request("ACK", to_tag=tag, branch="b2"), 0.0)
    return tag


def test_a_call_rings_is_answered_and_counts_once_it_is_confirmed() -> None:
    called = calls()
    ringing, ok = answers(called, request("INVITE", body=OFFER))
    assert (ringing.status, ok.status) == (180, 200)
    assert ringing.get("to") == ok.get("to")
    assert ok.get("record-route") == PROXY
    sdp.check_answer(sdp.parse(OFFER), sdp.parse(ok.body))
    tag = address(ok.get("to")).tag
    assert called.established == 0
    assert answers(called, request("ACK", to_tag=tag, branch="b2")) == []
    assert called.established == 1


def test_the_answer_is_sent_again_until_it_is_confirmed_and_the_call_ended_without() -> None:
    called = calls()
    answered = called.on_request(request("INVITE", body=OFFER), 0.0)[-1]
    assert called.on_request(request("INVITE", body=OFFER), 0.1) == [answered]  # sent again by the caller
    sent = []
    while called.due_s <= TIMER_H_S:
        now_s = called.due_s
        sent.append((now_s, called.due(now_s)))
    assert [now_s for now_s, _ in sent[:5]] == [0.5, 1.5, 3.5, 7.5, 11.5]
    assert all(messages == [answered] for _, messages in sent[:-1])
    assert parse_sip(sent[-1][1][0]).method == "BYE"


def test_a_call_that_still_rings_can_be_cancelled() -> None:
    called = calls(answer_after_s=5.0)
    assert [each.status for each in answers(called, request("INVITE", body=OFFER))] == [180]
    done, terminated = answers(called, request("CANCEL"))
    assert (done.status, done.cseq) == (200, (1, "CANCEL"))
    assert (terminated.status, terminated.cseq) == (487, (1, "INVITE"))
    assert called.due(10.0) == []
    assert [each.status for each in answers(called, request("CANCEL"))] == [481]


def test_a_cancel_that_comes_too_late_changes_nothing() -> None:
    called = calls()
    answers(called, request("INVITE", body=OFFER))
    assert [each.status for each in answers(called, request("CANCEL"))] == [200]
    assert len(called.due(1.0)) == 1


def test_a_re_invite_is_answered_within_the_call() -> None:
    called = calls()
    tag = established(called)
    (ok,) = answers(called, request("INVITE", cseq=2, to_tag=tag, branch="b3", body=OFFER))
    assert (ok.status, address(ok.get("to")).tag) == (200, tag)
    called.on_request(request("ACK", cseq=2, to_tag=tag, branch="b4"), 0.0)
    assert called.established == 1  # still one call
    (old,) = answers(called, request("INVITE", cseq=2, to_tag=tag, branch="b5", body=OFFER))
    assert old.status == 500  # RFC 3261 12.2.2


def test_the_caller_hangs_up() -> None:
    called = calls()
    tag = established(called)
    assert [each.status for each in answers(called, request("BYE", cseq=2, to_tag=tag))] == [200]
    assert [each.status for each in answers(called, request("BYE", cseq=3, to_tag=tag))] == [481]
    assert called.end_all() == []


def test_the_softphone_hangs_up_along_the_route() -> None:
    called = calls()
    established(called)
    bye = parse_sip(called.end_all()[0])
    assert (bye.method, bye.uri, bye.get("route")) == ("BYE", "sip:alice@a.invalid;transport=ws", PROXY)
    assert address(bye.get("to")).tag == "alice"


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (request("OPTIONS"), 200),
        (request("MESSAGE"), 405),
        (request("INVITE", body="v=0\r\n"), 488),
        (request("INVITE", body=OFFER, Require="precondition"), 420),
        (request("INVITE", body=OFFER, to_tag="unknown"), 481),
        (request("BYE", to_tag="unknown"), 481),
    ],
)
def test_other_requests(message: SipMessage, status: int) -> None:
    (answer,) = answers(calls(), message)
    assert answer.status == status
    assert answer.headers["via"] == message.headers["via"]
    assert address(answer.get("to")).tag


def test_an_invite_without_an_offer_gets_one() -> None:
    ok = answers(calls(), request("INVITE"))[-1]
    sdp.check_offer(sdp.parse(ok.body))
