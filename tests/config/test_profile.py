"""Profiles: their model, bad input, files, the pack, and the shipped schema."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema
import pytest

from locust_softphone.config import located_yaml
from locust_softphone.config.profile import Profile
from locust_softphone.config.profile_files import list_profiles, load_profile, pack_folder
from locust_softphone.config.schedule import Schedule, Stage
from locust_softphone.config.strict_yaml import loads
from locust_softphone.errors import InputError
from locust_softphone.schemas.files import PROFILE_SCHEMA
from locust_softphone.schemas.generate import generated

PACK = [file.name for file in list_profiles([pack_folder()])]
BURST = "name: burst\nusers: 500\n"


def profile(text: str) -> Profile:
    return loads(text, Profile)


def problems(text: str) -> list[str]:
    with pytest.raises(InputError) as refused:
        loads(text, Profile, name="p.yaml")
    return list(refused.value.problems)


@pytest.mark.parametrize(
    ("ramp", "stages"),
    [
        ("0s", (Stage(500, 0.0),)),
        ("60s", (Stage(500, 60.0),)),
        ("{rate: 50/s}", (Stage(500, 10.0),)),
        ("{rate: 300/min}", (Stage(500, 100.0),)),
        (
            "{stages: [{to: 100, over: 10s}, {hold: 30s}, {to: 500, over: 1m}]}",
            (Stage(100, 10.0), Stage(None, 30.0), Stage(500, 60.0)),
        ),
        ("{stages: [{to: 100}, {hold: 5s}, {to: 500}]}", (Stage(100, 0.0), Stage(None, 5.0), Stage(500, 0.0))),
    ],
)
def test_a_ramp_becomes_stages_of_a_schedule(ramp: str, stages: tuple[Stage, ...]) -> None:
    assert profile(f"{BURST}ramp: {ramp}").schedule() == Schedule(500, stages)


def test_a_resolved_profile_has_every_default() -> None:
    resolved = profile(f"{BURST}ramp: 0s").resolved()
    assert {key: resolved[key] for key in ("arrivals", "seed", "hold", "dialect", "expect")} == {
        "arrivals": "uniform",
        "seed": 0,
        "hold": "15s",
        "dialect": "media-offer",
        "expect": [],
    }
    assert resolved["softphone"]["like"] == "recommended"


def test_the_duration_is_the_last_start_plus_the_hold() -> None:
    assert profile(f"{BURST}ramp: 60s\nhold: 20s").duration_s == pytest.approx(79.88)


def test_a_stay_ends_the_run_when_the_last_softphone_has_left() -> None:
    assert profile(f"{BURST}ramp: 60s\nhold: 20s\nstay: 5s").duration_s == pytest.approx(64.88)
    assert profile(f"{BURST}ramp: 60s\nhold: 20s\nstay: 5m").duration_s == pytest.approx(79.88)


def test_with_turnover_new_softphones_start_when_earlier_ones_leave() -> None:
    plan = profile("name: shifts\nusers: 5\nramp: {at_once: 2, over: 4s}\nstay: 10s").schedule()
    assert list(plan) == [0, 2, 10, 12, 20]
    assert [plan.present_at(t, 30.0) for t in (0, 2, 9, 10, 11, 12, 19, 21, 29)] == [1, 2, 2, 2, 2, 2, 2, 2, 1]


def test_leaving_is_described() -> None:
    lines = profile(f"{BURST}ramp: {{at_once: 50, over: 10s}}\nstay: 45s\nhold: 60s\nramp_down: 30s").describe()
    assert lines[0].startswith("500 softphones, 50 at a time over 10s, each replaced when it leaves: ")
    assert lines[1].endswith(" and stays for 45s")
    assert lines[2:4] == [
        "each softphone stays for 45s, then hangs up",
        "in the last 30s the softphones leave one by one",
    ]


def test_a_hold_of_nothing_is_refused_with_the_reason() -> None:
    why = "the plan would be over when the last softphone starts, give it time for its calls"
    assert problems(f"{BURST}ramp: 0s\nhold: 0s") == [f"p.yaml:4: hold: 0s: {why}"]


def test_another_seed_gives_other_poisson_arrivals() -> None:
    one, two = (profile(f"{BURST}ramp: 60s\narrivals: poisson\nseed: {seed}").schedule() for seed in (1, 2))
    assert one.arrivals == "poisson"
    assert list(one) != list(two)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("name: burst", ["p.yaml:1: ramp: is missing", "p.yaml:1: users: is missing"]),
        (
            "name: ../etc\nusers: 0\nramp: 60",
            [
                'p.yaml:1: name: "../etc" cannot name a folder, use up to 64 letters, digits, dots, - and _',
                "p.yaml:2: users: must be at least 1",
                "p.yaml:3: ramp: 60 is not a duration, write 60s",
            ],
        ),
        (
            "name: burst\nusers: 1000001\nramp: 1:30\nhold: 15\nsofphone: {}",
            [
                "p.yaml:2: users: must be at most 1000000",
                'p.yaml:3: ramp: "1:30" is not a duration, write 250ms, 60s, 2m or 1m30s',
                "p.yaml:4: hold: 15 is not a duration, write 15s",
                "p.yaml:5: sofphone: unknown key, did you mean softphone?",
            ],
        ),
        (f"{BURST}ramp: {{rate: 50}}", ["p.yaml:3: ramp.rate: 50 is not a rate, write 50/s"]),
        (f"{BURST}ramp: 50/s", ['p.yaml:3: ramp: "50/s" is a rate, write {rate: 50/s}']),
        (f"{BURST}ramp: {{over: 60s}}", ["p.yaml:3: ramp.over: does not belong here"]),
        (
            f"{BURST}ramp: {{rat: 50/s}}",
            ["p.yaml:3: ramp.rat: unknown key, did you mean rate?"],
        ),
        (
            f"{BURST}ramp:\n  stages:\n  - {{to: 100, ovr: 10s}}\n  - {{hold: 30}}\n  - {{to: 500, over: 60}}",
            [
                "p.yaml:5: ramp.stages[0].ovr: unknown key, did you mean over?",
                "p.yaml:6: ramp.stages[1].hold: 30 is not a duration, write 30s",
                "p.yaml:7: ramp.stages[2].over: 60 is not a duration, write 60s",
            ],
        ),
        (
            f"{BURST}ramp: {{stages: [{{to: 400}}]}}",
            ["p.yaml:3: ramp: the last stage must reach the 500 users, not stop at 400"],
        ),
        (
            f"{BURST}ramp: {{stages: [{{to: 500}}, {{to: 400}}, {{to: 500}}]}}",
            ["p.yaml:3: ramp: a stage to 400 follows one to 500; each stage must reach more softphones"],
        ),
        (
            "name: slow\nusers: 1000000\nramp: {rate: 1/h}",
            ["p.yaml:3: ramp: takes longer than 604800s, the longest that is accepted"],
        ),
        (
            f"{BURST}ramp: 0s\nstay: 0s",
            ["p.yaml:4: stay: 0s: each softphone would leave at its start, give it time for its calls"],
        ),
        (
            f"{BURST}ramp: {{at_once: 5}}",
            ["p.yaml:1: ramp.at_once: needs stay, after which a softphone leaves and a new one starts"],
        ),
        (
            f"{BURST}ramp: {{at_once: 5, over: 9s}}\nstay: 8s",
            ["p.yaml:4: stay: over: longer than stay, so 5 softphones are never there at a time"],
        ),
        (
            f"{BURST}ramp: 9s\nhold: 60s\nstay: 8s\nramp_down: 8s",
            ["p.yaml:6: ramp_down: begins before the last start, which is 8s before the end; make hold longer"],
        ),
        (
            f"{BURST}ramp: 0s\nstay: 5s\nsoftphone:\n  calls: {{count: 3, every: 4s}}",
            ["p.yaml:5: softphone: the last call starts after 8s, after its softphone has left"],
        ),
        (
            f"{BURST}ramp: 0s\nhold: 5s\nsoftphone:\n  calls: {{count: 3, every: 4s}}",
            ["p.yaml:5: softphone: the last call starts after 8s, after the end of the hold"],
        ),
        (
            f"{BURST}ramp: 0s\nexpect:\n- rate_limited > 0\n- answerd == 100%\n- answered: 100%",
            [
                "p.yaml:6: expect[1]: answerd is not a metric, did you mean answered?",
                "p.yaml:7: expect[2]: a mapping is not an expectation, write one such as answered == 100%",
            ],
        ),
        (
            f"{BURST}ramp: 0s\nexpect:\n- {{expect: rate_limited == 0, abrt: true}}\n- {{abort: true}}",
            [
                'p.yaml:5: expect[0]: "abrt" is an unknown key, did you mean abort?',
                "p.yaml:6: expect[1]: has no expectation, write one such as {expect: rate_limited == 0, abort: true}",
            ],
        ),
        (
            f"{BURST}ramp: 0s\nexpect: [identity.p95 < 1s]",
            ["p.yaml:4: expect: identity.p95 is a metric of a step that the dialect media-offer does not have"],
        ),
        (
            f"{BURST}ramp: 0s\ndialect: xmpp",
            ['p.yaml:4: dialect: "xmpp" is not one of the choices, there are genesys-cloud, media-offer, sip'],
        ),
        (
            f"{BURST}ramp: 0s\ndialect: genesys-cloud\nsoftphone: {{like: sdk-2.1.0}}",
            [
                "p.yaml:5: softphone: ready: ignore: in the dialect genesys-cloud no softphone can call before its "
                "session is ready"
            ],
        ),
        (
            f"{BURST}ramp: 0s\nedge: {{organisations: [{{client_id: a, client_secret: b}}]}}",
            [
                "p.yaml:4: edge: client_secret: every run record contains the profile; put secrets into a file for "
                "--softphone-policy"
            ],
        ),
        (f"{BURST}ramp: 0s\nseed: -1", ["p.yaml:4: seed: must be at least 0"]),
    ],
)
def test_bad_input_is_reported_with_its_lines(text: str, lines: list[str]) -> None:
    assert problems(text) == lines


def test_a_description_has_the_starts_the_behaviour_and_the_expectations() -> None:
    text = f"{BURST}ramp: 60s\nhold: 20s\nsoftphone: {{like: sdk-2.3.1}}\nexpect: [answered == 100%, retries < 5]"
    assert profile(text).describe() == [
        "500 softphones, over 60s: at most 9 starts in a second",
        "takes 79.88s: the last softphone starts after 59.88s and stays for 20s",
        "like sdk-2.3.1: 1 call, a token for each connection, waits for ready, retries 3 times, "
        "after 1s times 2 up to 30s, no jitter, Retry-After ignored",
        "1500 attempts if none is refused, and never more than 30000",
        "expects answered == 100%, retries < 5",
    ]


@pytest.mark.parametrize(
    ("softphone", "attempts"),
    [
        ("{token: per-connection, connection: reuse, calls: {count: 3, every: 1s}}", 10 * (1 + 1 + 3)),
        ("{token: per-connection, connection: per-call, calls: {count: 3, every: 1s}}", 10 * (3 + 3 + 3)),
        ("{token: shared, connection: per-call, calls: {count: 3, every: 1s}}", 1 + 10 * (3 + 3)),
    ],
)
def test_planned_attempts_depend_on_the_reuse_of_tokens_and_connections(softphone: str, attempts: int) -> None:
    described = profile(f"name: n\nusers: 10\nramp: 0s\nsoftphone: {softphone}").describe()
    assert described[3].startswith(f"{attempts} attempts if none is refused")


def test_of_the_working_directory_only_profiles_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("# Mine.\nname: mine\nusers: 3\nramp: 0s\n")
    (tmp_path / "flow.yaml").write_text("{name: flow, users: 3, ramp: 0s}\n")
    (tmp_path / "policy.yaml").write_text("offer: {rate: 5/s}\n")
    (tmp_path / "compose.yaml").write_text("services: {}\nusers: 3\n")
    os.mkfifo(tmp_path / "pipe.yaml")
    assert [(file.name, file.about) for file in list_profiles([Path()])] == [("flow", ""), ("mine", "Mine.")]
    assert load_profile("mine", [Path()]).users == 3


def test_a_profile_is_found_by_name_or_by_path(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    for folder, users in ((mine, 1), (other, 2)):
        folder.mkdir()
        (folder / "burst.yaml").write_text(f"# A burst of {users}.\n\nname: burst\nusers: {users}\nramp: 0s\n")
    (other / "calm.yaml").write_bytes(b"# Caf\xe9\n")
    assert [(f.name, f.about) for f in list_profiles([mine, other])] == [("burst", "A burst of 1."), ("calm", "")]
    assert load_profile("burst", [mine, other]).users == 1
    assert load_profile("burst", [tmp_path / "nowhere", other]).users == 2
    assert load_profile(str(other / "burst.yaml"), [mine]).users == 2
    for wanted, problem in (
        ("brust", '"brust" is not a profile, did you mean burst? locust-softphone profiles lists all'),
        ("xyz", '"xyz" is not a profile, there are burst, calm'),
        ("", '"" is not a profile, there are burst, calm'),
        (f"{mine}/brust.yaml", f"{mine}/brust.yaml: no such file or directory"),
        ("calm", f"{other}/calm.yaml:1: not UTF-8 text"),
    ):
        with pytest.raises(InputError) as refused:
            load_profile(wanted, [mine, other])
        assert str(refused.value) == problem


def test_the_first_comment_becomes_about(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    comment = "# One,\r\n#  two.\r\n# yaml-language-server: $schema=x\r\n\r\n"
    path.write_bytes(f"{comment}{BURST}# not this\nramp: 0s".encode())
    assert load_profile(path, []).about == "One, two."
    path.write_text(f"# One.\n{BURST}ramp: 0s\nabout: written")
    assert load_profile(path, []).about == "written"


def test_the_pack_has_these_profiles() -> None:
    assert PACK == [
        "burst-500",
        "burst-500-adaptive",
        "burst-500-backoff",
        "burst-500-connection-reuse",
        "burst-500-fleet-backoff",
        "burst-500-retry-after",
        "burst-500-sdk-2.3.1",
        "burst-500-three-calls",
        "burst-500-token-reuse",
        "field-408-after-300",
        "field-429-then-503",
        "field-429-then-drops",
        "field-burst-429-1006",
        "field-drops-after-45s",
        "field-drops-at-50",
        "field-drops-from-1200",
        "field-paced-still-429",
        "field-retry-after-30",
        "field-timer-still-429",
        "field-wall-at-300",
        "paced-50",
        "ramp-60s",
        "reconnect-storm",
        "reconnect-storm-fleet",
        "reconnect-storm-jitter",
        "reconnect-storm-purecloud-11",
        "reconnect-storm-recommended",
        "sip-burst-500",
        "sip-paced-50",
        "sip-registration-storm",
        "smoke",
    ]


@pytest.mark.parametrize("name", PACK)
def test_a_profile_of_the_pack_is_valid_and_matches_the_schema(name: str) -> None:
    path = pack_folder() / f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    profile = load_profile(name, [pack_folder()])
    assert profile.name == name
    assert profile.about
    assert profile.expect
    assert text.count("# yaml-language-server: $schema=../plugin/locust_softphone/schemas/profile.schema.json\n") == 1
    tree = located_yaml.parse(text)
    assert tree is not None
    schema = json.loads(PROFILE_SCHEMA.read_text(encoding="utf-8"))
    for data in (tree.data, profile.resolved()):
        jsonschema.Draft202012Validator(schema).validate(data)
    assert Profile.model_validate(json.loads(json.dumps(profile.resolved()))) == profile


@pytest.mark.parametrize(
    ("name", "counterpart", "changes"),
    [
        ("ramp-60s", "burst-500", {"ramp"}),
        ("paced-50", "burst-500", {"ramp"}),
        ("burst-500-token-reuse", "burst-500", {"softphone.token"}),
        ("burst-500-sdk-2.3.1", "burst-500", {"softphone.like", "softphone.ready", "softphone.retry"}),
        ("burst-500-backoff", "burst-500-sdk-2.3.1", {"softphone.retry"}),
        ("burst-500-retry-after", "burst-500-backoff", {"softphone.retry"}),
        ("burst-500-fleet-backoff", "burst-500-retry-after", {"softphone.retry"}),
        ("burst-500-adaptive", "burst-500-retry-after", {"softphone.retry"}),
        ("burst-500-three-calls", "burst-500-backoff", {"softphone.calls", "softphone.connection"}),
        ("burst-500-connection-reuse", "burst-500-three-calls", {"softphone.connection"}),
        ("reconnect-storm-jitter", "reconnect-storm", {"softphone.retry"}),
        ("reconnect-storm-fleet", "reconnect-storm", {"softphone.retry"}),
        ("reconnect-storm-purecloud-11", "reconnect-storm", {"softphone.like", "softphone.retry", "softphone.timeout"}),
        ("reconnect-storm-recommended", "reconnect-storm", {"softphone.like", "softphone.retry", "softphone.timeout"}),
    ],
)
def test_a_profile_differs_from_its_counterpart_only_in_these_keys(
    name: str, counterpart: str, changes: set[str]
) -> None:

    def parts(name: str) -> dict[str, object]:
        resolved = load_profile(name, [pack_folder()]).resolved()
        softphone = {f"softphone.{key}": value for key, value in resolved.pop("softphone").items()}
        return {
            key: value
            for key, value in {**resolved, **softphone}.items()
            if key not in ("name", "about", "expect", "reproduces")
        }

    one, other = parts(name), parts(counterpart)
    assert {key for key in one if one[key] != other[key]} == changes


def test_the_shipped_schema_is_current_and_describes_every_key() -> None:
    shipped = PROFILE_SCHEMA.read_text(encoding="utf-8")
    assert shipped == generated()[PROFILE_SCHEMA], "update it with: python -m locust_softphone.schemas.generate"
    schema = json.loads(shipped)
    jsonschema.Draft202012Validator.check_schema(schema)
    for part in (schema, *schema["$defs"].values()):
        assert all(field.get("description") for field in part["properties"].values())


@pytest.mark.parametrize(
    "text",
    [
        f"{BURST}ramp: 60",
        f"{BURST}ramp: {{rate: 50}}",
        f"{BURST}ramp: {{rate: 50/s, stages: []}}",
        f"{BURST}ramp: 0s\nsoftphone: {{like: sdk-2.3.2}}",
        f"{BURST}ramp: 0s\nsoftphone: {{retry: {{jiter: full}}}}",
        f"{BURST}ramp: 0s\nexpect: [answerd == 100%]",
        f"{BURST}ramp: 0s\nexpect: [{{expect: answerd == 100%, abort: true}}]",
        f"{BURST}ramp: 0s\nexpect: [{{expect: answered == 100%, abrt: true}}]",
        f"{BURST}ramp: 0s\nhold_s: 15s",
        "name: a/b\nusers: 5\nramp: 0s",
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(text: str) -> None:
    assert problems(text)
    tree = located_yaml.parse(text)
    assert tree is not None
    assert not jsonschema.Draft202012Validator(json.loads(PROFILE_SCHEMA.read_text(encoding="utf-8"))).is_valid(
        tree.data
    )


def test_the_old_key_of_an_aborting_expectation_is_read_with_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(f"{BURST}ramp: 0s\nexpect:\n- {{that: rate_limited == 0, abort: true}}\n")
    old = load_profile(path, [])
    assert old.resolved()["expect"] == [{"expect": "rate_limited == 0", "abort": True}]
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}:5: that is now expect (the old spelling is still read)"
    ]


def test_a_profile_that_an_older_version_resolved_is_read() -> None:
    new = profile(f"{BURST}ramp: 0s\nexpect: [{{expect: rate_limited == 0, abort: true}}]")
    old = {**new.resolved(), "expect": [{"that": "rate_limited == 0", "abort": True}]}
    assert Profile.from_resolved(old) == Profile.from_resolved(new.resolved()) == new
