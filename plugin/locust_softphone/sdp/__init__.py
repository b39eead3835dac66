"""SDP for calls without media: offers and answers are made, read, and checked as libwebrtc would check them.

builders.py       make_offer, make_answer     text out
description.py    parse                       text in
rules.py          check_offer, check_answer   may this be offered? does this answer that?
"""

from __future__ import annotations

from locust_softphone.sdp.builders import ice_credentials, make_answer, make_offer
from locust_softphone.sdp.description import MediaSection, SdpError, SessionDescription, parse
from locust_softphone.sdp.rules import check_answer, check_offer

__all__ = [
    "MediaSection",
    "SdpError",
    "SessionDescription",
    "check_answer",
    "check_offer",
    "ice_credentials",
    "make_answer",
    "make_offer",
    "parse",
]
