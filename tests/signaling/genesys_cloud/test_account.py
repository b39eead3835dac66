"""Regions, hosts and the users file of Genesys Cloud."""

from __future__ import annotations

from pathlib import Path

import pytest

from locust_softphone.errors import InputError
from locust_softphone.signaling.dialects.genesys_cloud.regions import REGIONS, hosts_of
from locust_softphone.signaling.dialects.genesys_cloud.users import User, load_users


def test_each_of_18_regions_has_its_three_hosts() -> None:
    assert len(REGIONS) == len(set(REGIONS.values())) == 18
    assert hosts_of().urls == {
        "api": "https://api.mypurecloud.com",
        "login": "https://login.mypurecloud.com",
        "streaming": "https://streaming.mypurecloud.com",
    }
    assert hosts_of("eu-central-1").streaming.url == "https://streaming.mypurecloud.de"
    assert not hosts_of().is_one
    assert not hosts_of().is_loopback


def test_an_unknown_region() -> None:
    with pytest.raises(InputError, match="did you mean eu-west-1"):
        hosts_of("eu-west1")


@pytest.mark.parametrize(
    ("text", "users"),
    [
        ("jid,token\na@org.example,abc\n", [User("a@org.example", "abc")]),
        ("token\nabc\nenv:AGENT\n", [User("", "abc"), User("", "from-the-environment")]),
        ("\ufeffjid\r\na@org.example\r\nb@org.example\r\n", [User("a@org.example"), User("b@org.example")]),
    ],
)
def test_a_users_file(tmp_path: Path, text: str, users: list[User]) -> None:
    file = tmp_path / "users.csv"
    file.write_text(text, encoding="utf-8")
    assert list(load_users(file, {"AGENT": "from-the-environment"})) == users


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", ":1: the header must name the columns jid, token or both"),
        ("name\nanna\n", ":1: the header must name the columns"),
        ("jid,token\n", ": names no users"),
        ("jid\nanna\n", ':2: "anna" is not a bare JID'),
        ("jid\na@b/c\n", ':2: "a@b/c" is not a bare JID'),
        ("jid\nb\n", ':2: "b" is not a bare JID'),
        ("jid\na@b\nA@B.\n", ":3: the same JID as in line 2"),  # RFC 7622 3.2, 3.3
        ("jid\nä@b\nc@b\nA\u0308@b\n", ":4: the same JID as in line 2"),
        ("token\nsecret\nsecret\n", ":3: the same token as in line 2"),
        ("jid,token\na@b,secret\nc@b,env:ALSO_SECRET\n", ":3: the same token as in line 2"),
        ("token\nenv:NOBODY\n", ':2: the environment has no variable "NOBODY"'),
        ("token\nvery secret\n", ":2: the token has characters that a Bearer token must not have"),
        ("jid,token\na@b,t,x\n", ":2: more columns than the header has"),
        ("jid,token\n,\n", ":2: neither a JID nor a token"),
    ],
)
def test_a_users_file_with_a_problem(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "users.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_users(file, {"ALSO_SECRET": "secret"})
    assert f"{file}{problem}" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_user_is_shown_without_the_token() -> None:
    assert "abc" not in repr(User("a@b", "abc"))
