"""The client's digest against the examples of the RFCs, and which challenge it answers."""

from __future__ import annotations

import pytest

from locust_softphone.signaling.dialects.sip.digest import Challenge, challenges, credentials
from locust_softphone.sip_text import auth_parameters

NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
OPAQUE = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [  # RFC 7616 3.9.1
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_rfc_7616(algorithm: str, response: str) -> None:
    challenge = Challenge("http-auth@example.org", NONCE, algorithm, True, OPAQUE, False)
    _, found = auth_parameters(
        credentials(
            challenge,
            method="GET",
            uri="/dir/index.html",
            user="Mufasa",
            password="Circle of Life",
            count=1,
            cnonce=CNONCE,
        )
    )
    assert found["response"] == response
    assert (found["nc"], found["qop"], found["opaque"], found["algorithm"]) == ("00000001", "auth", OPAQUE, algorithm)


def test_the_example_of_rfc_2617_which_sip_has_taken_over() -> None:
    challenge = Challenge("testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093", "", True, None, False)
    written = credentials(
        challenge,
        method="GET",
        uri="/dir/index.html",
        user="Mufasa",
        password="Circle Of Life",
        count=1,
        cnonce="0a4f113b",
    )
    assert auth_parameters(written)[1]["response"] == "6629fae49393a05397450978507c4ef1"
    assert "algorithm" not in written  # the challenge names none


def test_without_qop_there_is_no_count() -> None:
    challenge = Challenge("r", "n", "MD5", False, None, False)
    found = auth_parameters(credentials(challenge, method="GET", uri="/", user="a", password="b", count=1, cnonce="c"))[
        1
    ]
    assert not {"qop", "nc", "cnonce"} & found.keys()


@pytest.mark.parametrize(
    ("offered", "algorithms"),
    [
        (
            ['Digest realm="r", nonce="1", algorithm=SHA-256, qop="auth"', 'Digest realm="r", nonce="1"'],
            ["SHA-256", ""],
        ),
        (['Digest realm="r", nonce="1", algorithm=SHA-999', 'Digest realm="r", nonce="1", algorithm=MD5'], ["MD5"]),
        (['Basic realm="r"'], []),
        (['Digest realm="r", nonce="1", qop="auth-int"'], []),  # needs the body too
        (['Digest realm="r"'], []),
        ([], []),
    ],
)
def test_the_topmost_known_algorithm_comes_first(offered: list[str], algorithms: list[str]) -> None:
    assert [each.algorithm for each in challenges(offered)] == algorithms
