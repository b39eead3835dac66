"""The wire of media-offer in a file: what is refused, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from locust_softphone.config import strict_yaml
from locust_softphone.config.policy import Policy
from locust_softphone.config.profile import Profile
from locust_softphone.config.wire import Wire
from locust_softphone.errors import InputError

PROFILE = "name: p\nusers: 1\nramp: 0s\n"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("tokn: {}", ["w.yaml:1: tokn: unknown key, did you mean token?"]),
        ("offer: {body: '{spd}'}", ["w.yaml:1: offer.body: {spd} cannot be filled in here, did you mean sdp?"]),
        ("offer:\n  body: {type: offer}", ["w.yaml:2: offer.body: must have the offer somewhere: {sdp}"]),
        (
            "handshake: {path: '/ws/{session}'}",  # there is no session yet
            [
                "w.yaml:1: handshake.path: {session} cannot be filled in here, there are basic, client_id, "
                "client_secret, id, number, softphone, token"
            ],
        ),
        ("token: {path: login}", ["w.yaml:1: token.path: must begin with / and have no spaces, such as /v1/calls"]),
        (
            "ready:\n  match: {type: ready}",
            [
                'w.yaml:2: ready.match.type: "type" is not a path to one value, write $.name, $.list[0].name or '
                "$['a-name']"
            ],
        ),
        (
            "handshake:\n  headers:\n    Authorization: Bearer s3cr3t",
            [
                "w.yaml:2: handshake.headers: Authorization: every run record contains the profile; use {token} or "
                "{client_secret}"
            ],
        ),
        (
            'token: {headers: {X-A: "a\\r\\nb"}}',
            ["w.yaml:1: token.headers: X-A: contains a character that no header can have"],
        ),
        ("token: {headers: {Host: a}}", ["w.yaml:1: token.headers: Host is set by the softphone itself"]),
        ("offer: {over: websocket, match: {}}", ["w.yaml:1: offer: match: must say which frame is the answer"]),
        (
            "offer: {refused: {match: {$.a: 1}, status: $.b}}",
            ["w.yaml:1: offer: refused: with over: http, the response's status refuses"],
        ),
    ],
)  # fmt: skip
def test_problems_have_a_line_and_say_what_would_be_right(text: str, problems: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        strict_yaml.loads(text, Wire, name="w.yaml")
    assert list(caught.value.problems) == problems


def test_a_profile_and_a_policy_can_name_a_file_beside_them(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text("token: {path: /v1/login}")
    (tmp_path / "p.yaml").write_text(f"{PROFILE}wire: w.yaml")
    (tmp_path / "e.yaml").write_text("wire: w.yaml")
    profile = strict_yaml.load(tmp_path / "p.yaml", Profile)
    assert profile.wire
    assert profile.wire.token.path == strict_yaml.load(tmp_path / "e.yaml", Policy).wire.token.path == "/v1/login"
    assert Profile.from_resolved(profile.resolved()) == profile  # a record contains the wire, and not its file
    (tmp_path / "w.yaml").write_text("tokens: {}")
    with pytest.raises(InputError, match=r"w\.yaml:1: tokens: unknown key, did you mean token\?"):
        strict_yaml.load(tmp_path / "p.yaml", Profile)


def test_only_media_offer_has_a_wire() -> None:
    with pytest.raises(InputError, match="only the dialect media-offer has one"):
        strict_yaml.loads(f"{PROFILE}dialect: genesys-cloud\nwire: {{}}", Profile)
