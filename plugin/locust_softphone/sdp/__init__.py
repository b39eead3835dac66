"""SDP for calls without media: make offers and answers, read them, and check them as libwebrtc does.

builders.py       make_offer, make_answer      write a description
description.py    parse                        read a description
rules.py          check_offer, check_answer    apply the rules of offer and answer
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
