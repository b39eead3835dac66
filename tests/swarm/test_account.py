"""The options for an organisation of Genesys Cloud: region, users and tokens, with and without workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from locust_softphone.config.genesys_cloud_policy import GenesysCloud
from tests.edge_process import running_edge
from tests.swarm.locust_process import TINY, records, run_locust

AGENTS = f"{TINY}dialect: genesys-cloud\nsoftphone: {{like: genesys-streaming-19}}\n"
TOKENS = [f"token-of-agent-{number}" for number in range(4)]
DOMAIN = GenesysCloud.model_fields["domain"].default


@pytest.mark.parametrize("processes", [(), ("--processes", "2")], ids=["alone", "two workers"])
def test_each_softphone_logs_in_as_its_own_user_with_its_own_token(tmp_path: Path, processes: tuple[str, ...]) -> None:
    users = ", ".join(f"{{name: agent-{number}, access_token: {token}}}" for number, token in enumerate(TOKENS))
    rows = [f"agent-{number}@{DOMAIN},env:TOKEN_{number}" for number in range(len(TOKENS))]
    (tmp_path / "users.csv").write_text("\n".join(["jid,token", *rows]))
    environment = {f"TOKEN_{number}": token for number, token in enumerate(TOKENS)}
    with running_edge(f"genesys_cloud: {{users: [{users}]}}") as edge:
        where = ("--host", edge.url, "--softphone-users", "users.csv")
        run = run_locust(tmp_path, *processes, *where, profile=AGENTS, environment=environment)
        counted = edge.stats()
    assert run.record["verdict"] == "passed", run.complaints
    assert run.record["totals"]["answered"] == 4
    asked = {step: counts["requests"] for step, counts in counted["steps"].items() if counts["requests"]}
    assert asked == {"channel": 4, "handshake": 4, "offer": 4}
    written = "".join(path.read_text() for path in (tmp_path / "runs").rglob("*") if path.is_file())
    assert [token for token in TOKENS if token in f"{written}{run.stdout}{run.stderr}"] == []


ODD_CLIENT = {"LOCUST_SOFTPHONE_CLIENT_ID": "acme:prod", "LOCUST_SOFTPHONE_CLIENT_SECRET": "p+q%2Fr"}


@pytest.mark.parametrize("processes", [(), ("--processes", "2")], ids=["alone", "two workers"])
def test_id_and_secret_of_the_client_are_form_encoded(tmp_path: Path, processes: tuple[str, ...]) -> None:
    with running_edge("organisations: [{client_id: 'acme:prod', client_secret: p+q%2Fr}]") as edge:
        run = run_locust(tmp_path, *processes, "--host", edge.url, environment=ODD_CLIENT)
    assert run.record["totals"]["answered"] == 4, run.complaints


@pytest.mark.parametrize("processes", [(), ("--processes", "2")], ids=["alone", "two workers"])
def test_id_and_secret_of_the_client_can_be_sent_as_they_are(tmp_path: Path, processes: tuple[str, ...]) -> None:
    """The edge decodes them, so that what was not encoded passes only in its encoded form."""
    environment = {"LOCUST_SOFTPHONE_CLIENT_ID": "acme", "LOCUST_SOFTPHONE_CLIENT_SECRET": "p%2Bq"}
    with running_edge("organisations: [{client_id: acme, client_secret: p+q}]") as edge:
        options = (*processes, "--host", edge.url, "--softphone-basic-unencoded")
        run = run_locust(tmp_path, *options, environment=environment)
    assert run.record["totals"]["answered"] == 4, run.complaints


def test_a_client_id_with_a_colon_cannot_be_sent_as_it_is(tmp_path: Path) -> None:
    run = run_locust(tmp_path, "--softphone-basic-unencoded", environment=ODD_CLIENT)
    assert run.returncode == 2
    assert run.complaints == ["--softphone-basic-unencoded: a client id with a colon must be encoded (RFC 7617 2)"]


REGION = ("--softphone-region", "eu-central-1")
CALL_TO = ("--softphone-call-to", "+12025550100")
API = "--host https://api.mypurecloud.de"


@pytest.mark.parametrize(
    ("options", "profile", "problems"),
    [
        (
            ("--softphone-region", "eu-central-9", *CALL_TO),
            AGENTS,
            ['--softphone-region "eu-central-9": not a region of'],
        ),
        (
            (*REGION, *CALL_TO, "--host", "http://127.0.0.1:1"),
            AGENTS,
            ["--softphone-region and --host both name an edge; give one of the two"],
        ),
        (
            REGION,
            AGENTS,
            [
                f"{API}: not this machine. A load test needs its owner's permission",
                f"{API}: needs LOCUST_SOFTPHONE_CLIENT_ID and LOCUST_SOFTPHONE_CLIENT_SECRET to be set",
                "--softphone-region: needs --softphone-call-to NUMBER",
            ],
        ),
        (
            (*REGION, *CALL_TO, "--softphone-users", "two.csv"),
            AGENTS,
            [f"{API}: not this machine.", "--softphone-users: has 2 users, and tiny has 4 softphones"],
        ),
        (("--softphone-users", "none.csv"), AGENTS, ["--softphone-users none.csv: cannot be read"]),
        (
            ("--softphone-users", "two.csv"),
            TINY,
            ["--softphone-users: only for the dialect genesys-cloud; "],
        ),
        (CALL_TO, TINY, ["--softphone-call-to: only for the dialect genesys-cloud; tiny has the dialect media-offer"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_unusable_options_are_refused_before_anything_is_sent(
    tmp_path: Path, options: tuple[str, ...], profile: str, problems: list[str]
) -> None:
    (tmp_path / "two.csv").write_text("token\nabc\ndef\n")
    run = run_locust(tmp_path, *options, profile=profile)
    assert run.returncode == 2
    assert [said[: len(due)] for said, due in zip(run.complaints, problems, strict=True)] == problems
    assert records(tmp_path) == []


SIP = f"{TINY}dialect: sip\nsip: {{call: softphone}}\nsoftphone: {{retry: {{initial: 50ms}}}}\n"


def test_sip_softphones_on_two_workers_register_with_the_client_secret_and_call_each_other(tmp_path: Path) -> None:
    with running_edge("organisations: [{client_id: acme, client_secret: sip-password}]") as edge:
        environment = {"LOCUST_SOFTPHONE_CLIENT_SECRET": "sip-password"}
        run = run_locust(tmp_path, "--processes", "2", "--host", edge.url, profile=SIP, environment=environment)
        counted = edge.stats()
    assert run.record["totals"]["answered"] == 4, run.complaints
    assert run.record["ledger"]["balanced"], run.record["ledger"]
    assert run.record["inbound_calls_answered"] == counted["calls"]["answered"] == 4
    assert counted["steps"]["token"]["requests"] == 0
    written = "".join(path.read_text() for path in (tmp_path / "runs").rglob("*") if path.is_file())
    assert "sip-password" not in f"{written}{run.stdout}{run.stderr}"
