"""How the transports read any payload of a softphone; complete calls are in test_gateway.py."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locust_softphone.edge.genesys_cloud.call_transport import BadPayload, CallMessage
from locust_softphone.edge.genesys_cloud.jingle_transport import Jingle
from locust_softphone.edge.genesys_cloud.sdp_transport import SdpOverXmpp
from locust_softphone.sdp import SdpError, check_answer, make_offer, parse

OFFER = make_offer(random.Random(1))
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
NAMES = ("jingle", "content", "description", "transport", "fingerprint", "group", "payload-type", "active")
NAMESPACES = (
    "urn:xmpp:jingle:1",
    "urn:xmpp:jingle:apps:rtp:1",
    "urn:xmpp:jingle:apps:rtp:info:1",
    "urn:xmpp:jingle:transports:ice-udp:1",
    "urn:xmpp:jingle:apps:dtls:0",
    "urn:xmpp:jingle:apps:grouping:0",
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        ["action", "sid", "name", "media", "id", "clockrate", "ufrag", "pwd", "setup", "senders", "semantics"]
    ),
    st.sampled_from(["session-accept", "session-info", "x", "0", "audio", "BUNDLE", "111", ""]),
    max_size=4,
)


def element(name: str, attributes: dict[str, str], children: list[Element]) -> Element:
    made = Element(name, attributes)
    made.extend(children)
    return made


ELEMENTS = st.recursive(
    st.builds(
        element, st.sampled_from([f"{{{ns}}}{name}" for ns in NAMESPACES for name in NAMES]), ATTRIBUTES, st.just([])
    ),
    lambda inner: st.builds(
        element,
        st.sampled_from([f"{{{ns}}}{name}" for ns in NAMESPACES for name in NAMES]),
        ATTRIBUTES,
        st.lists(inner, max_size=3),
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(ELEMENTS)
def test_any_element_is_read_as_jingle_or_refused(payload: Element) -> None:
    with suppress(BadPayload):
        message = Jingle().read(payload)
        if message.answer is not None:
            with pytest.raises(SdpError):  # a random answer is never valid
                check_answer(parse(OFFER), message.answer)


@settings(deadline=None)
@given(ANYTHING, st.sampled_from(["answer", "info", "terminate", "mute", "offer"]) | ANYTHING)
def test_any_json_is_read_as_a_request_or_refused(params: object, method: object) -> None:
    for request in (params, {"method": method, "params": params}):
        payload = Element("genesys-webrtc")
        payload.text = json.dumps(request)
        with suppress(BadPayload):
            assert SdpOverXmpp().read(payload).session_id


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"method": "info", "params": {"sessionId": "s", "status": "active"}}, CallMessage("s", "active")),
        ({"method": "info", "params": {"sessionId": "s", "status": "held"}}, CallMessage("s", "nothing")),
        ({"method": "iceCandidate", "params": {"sessionId": "s"}}, CallMessage("s", "nothing")),
        ({"method": "terminate", "params": {"sessionId": "s"}}, CallMessage("s", "terminate")),
        ({"method": "answer", "params": {"sessionId": "s", "sdp": "v=1"}}, CallMessage("s", "answer", None)),
    ],
)
def test_a_request_is_read_as_its_message(request_: dict[str, object], message: CallMessage) -> None:
    payload = Element("genesys-webrtc")
    payload.text = json.dumps(request_)
    assert SdpOverXmpp().read(payload) == message


def test_an_offer_is_unchanged_after_jingle() -> None:
    """Everything that an answer is checked for is kept."""
    initiate = fromstring(Jingle().offer("s", "c", "gateway", OFFER))
    initiate.set("action", "session-accept")
    read = Jingle().read(initiate).answer
    offered = parse(OFFER)
    assert read is not None
    assert read.bundles == offered.bundles
    assert read.media == offered.media


def test_untrusted_text_is_escaped() -> None:
    terminate = fromstring(SdpOverXmpp().terminate('"<&>', "success"))
    assert json.loads(terminate.text or "")["params"]["sessionId"] == '"<&>'
    assert fromstring(Jingle().terminate('"<&>', "success")).get("sid") == '"<&>'
