"""The command ``import``: profiles that the strict loader accepts, and nothing lost without a line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from locust_softphone.cli import main
from locust_softphone.config.profile import Profile
from locust_softphone.config.profile_files import load_profile
from tests.jmeter.plans import collection, element, plan, sampler, thread_group, throughput_timer

WSS = "eu.luminis.jmeter.wssampler"
NEW = '<boolProp name="createNewConnection">true</boolProp>'
OPEN = element(f"{WSS}.OpenWebSocketSampler", "open")
READ = element(f"{WSS}.SingleReadWebSocketSampler", "ready", '<stringProp name="readTimeout">70000</stringProp>')
OFFER = element(f"{WSS}.RequestResponseWebSocketSampler", "offer")
OFFER_ANEW = element(f"{WSS}.RequestResponseWebSocketSampler", "offer", NEW)
CLOSE = element(f"{WSS}.CloseWebSocketSampler", "close")


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")


def imported(folder: Path, text: str, *options: str) -> int:
    (folder / "p.jmx").write_text(text)
    return main(["import", str(folder / "p.jmx"), "-o", str(folder / "out"), *options])


def profile_of(folder: Path, name: str = "p") -> Profile:
    return load_profile(folder / "out" / f"{name}.yaml", [])


@pytest.mark.parametrize("mode", range(5))
def test_a_burst_with_a_throughput_timer_stays_a_burst(
    mode: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = plan(thread_group("agents", throughput_timer(3000, mode) + sampler("token") + OPEN + READ + OFFER))
    assert imported(tmp_path, text) == 0
    out = capsys.readouterr().out
    assert "500 of them start within one second" in out
    assert f"at 3000 a minute, calcMode {mode}" in out
    assert "does not delay the first sample of a thread, whatever its calcMode" in out
    profile = profile_of(tmp_path)
    assert (profile.users, profile.ramp) == (500, 0.0)
    assert profile.hold_s >= 70
    assert (profile.softphone.token, profile.softphone.ready) == ("per-softphone", "wait")
    assert ("later samples are paced too" in out) is True


def test_calls_of_a_loop_are_as_far_apart_as_its_timers(tmp_path: Path) -> None:
    timer = element("ConstantTimer", "t", '<stringProp name="ConstantTimer.delay">2000</stringProp>')
    assert imported(tmp_path, plan(thread_group("agents", timer + OFFER_ANEW, loops=3, ramp=10))) == 0
    profile = profile_of(tmp_path)
    assert (profile.softphone.connection, profile.softphone.calls.count, profile.softphone.calls.every_s) == (
        "per-call",
        3,
        2.0,
    )


@pytest.mark.parametrize(
    ("script", "loops", "drops"),
    [
        (OFFER_ANEW, 2, True),
        (OFFER_ANEW, 1, False),
        (OPEN + OFFER + CLOSE, 2, False),
        (OPEN + OFFER, 2, True),
        (OPEN + OFFER_ANEW, 1, True),
    ],
)
def test_a_plan_that_drops_its_own_sockets_is_told_so(
    script: str, loops: int, drops: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(tmp_path, plan(thread_group("agents", script, loops=loops)))
    assert ("makes a close with code 1006" in capsys.readouterr().out) is drops


def test_a_profile_for_each_group_that_is_enabled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ultimate = element(
        "kg.apc.jmeter.threads.UltimateThreadGroup",
        "Shift / Ärzte",
        collection("ultimatethreadgroupdata", [[100, 0, 10, 60, 5]]),
        OPEN + OFFER,
    )
    off = element("ThreadGroup", "off", "", OPEN, enabled=False)
    assert imported(tmp_path, plan(thread_group("agents", OFFER), ultimate, off, serialize=True)) == 0
    out = capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["p-agents.yaml", "p-shift-rzte.yaml"]
    shift = profile_of(tmp_path, "p-shift-rzte")
    assert list(shift.schedule())[:2] == pytest.approx([0.1, 0.2])
    assert shift.ramp_down_s == pytest.approx(5)
    leaves = [shift.schedule().leave_time(n, shift.duration_s) for n in (0, 99)]
    assert leaves == pytest.approx([70.05, 75])
    assert 'ThreadGroup "off": not enabled' in out
    assert "its thread groups run one after the other" in out


def test_what_the_plan_does_not_say_is_asked_for_and_the_rest_is_imported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = plan(
        thread_group("one", OFFER, threads="${agents}"),
        thread_group("two", OFFER, threads="${__P(more,20)}", ramp="${ramp}"),
        variables={"ramp": "5"},
    )
    assert imported(tmp_path, text) == 2
    assert capsys.readouterr().err == (
        f'{tmp_path}/p.jmx: ThreadGroup "one": '
        "the plan does not say 'agents'; give it with --set-var 'agents=VALUE'\n"
    )
    assert profile_of(tmp_path, "p-two").users == 20
    (tmp_path / "out" / "p-two.yaml").unlink()
    assert imported(tmp_path, text, "--set-var", "agents=7", "--set-var", "more=9") == 0
    assert (profile_of(tmp_path, "p-one").users, profile_of(tmp_path, "p-two").users) == (7, 9)


@pytest.mark.parametrize(
    ("threads", "problem"),
    [
        ("many", 'ThreadGroup.num_threads is "many", it must be a number from 0'),
        ("-5", 'ThreadGroup.num_threads is "-5", it must be a number from 0'),
        ("0", "it starts no thread"),
        ("99999999", "it can be at most 1000000"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_line(
    threads: str, problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert imported(tmp_path, plan(thread_group("agents", OFFER, threads=threads))) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert problem in line


SECRETS = ("s3cr3t-header", "s3cr3t-variable", "s3cr3t-body", "s3cr3t-path", "s3cr3t-password", "s3cr3t-default")


def test_no_secret_is_carried_over_and_everything_else_has_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    headers = element(
        "HeaderManager",
        "headers",
        '<collectionProp name="HeaderManager.headers"><elementProp name="" elementType="Header">'
        '<stringProp name="Header.name">Authorization</stringProp>'
        '<stringProp name="Header.value">Bearer s3cr3t-header</stringProp></elementProp></collectionProp>',
    )
    offer = element(
        f"{WSS}.RequestResponseWebSocketSampler",
        "offer",
        '<stringProp name="requestData">s3cr3t-body ${__P(secret,s3cr3t-default)}</stringProp>'
        '<stringProp name="path">/?access_token=s3cr3t-path</stringProp>',
    )
    others = (
        element("AuthManager", "auth", '<stringProp name="password">s3cr3t-password</stringProp>')
        + element("JSR223PreProcessor", "script")
        + element("com.example.Surprise", "what")
        + element("ResponseAssertion", "assert")
        + element("SyncTimer", "together")
    )
    text = plan(
        thread_group("agents", headers + offer + others, threads="${__P(secret,s3cr3t-default)}${agents}"),
        thread_group("plain", headers + offer + others),
        variables={"client_secret": "s3cr3t-variable"},
    )
    assert imported(tmp_path, text) == 2
    shown = "".join(capsys.readouterr()) + "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    assert not [secret for secret in SECRETS if secret in shown]
    for kind in ("HeaderManager", "AuthManager", "JSR223PreProcessor", "Surprise", "ResponseAssertion", "SyncTimer"):
        assert kind in shown


def test_a_policy_predicts_what_an_edge_would_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("limits: {handshake: {rate: 20/s, burst: 10}}")
    text = plan(thread_group("agents", sampler("token") + OPEN + READ + OFFER, threads=30))
    assert imported(tmp_path, text, "--policy", str(policy)) == 0
    assert re.search(r"simulated: 10 of 30 answered, 20 requests get a 429", capsys.readouterr().out)


def test_no_file_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = plan(thread_group("agents", OFFER))
    assert imported(tmp_path, text) == 0
    capsys.readouterr()
    assert imported(tmp_path, text) == 2
    assert capsys.readouterr().err == (
        f"{tmp_path}/out/p.yaml: exists already and is not overwritten; name another -o FOLDER\n"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [("<x/>", "not a JMeter plan"), (plan(), "it has no enabled thread group that can be imported")],
)
def test_what_cannot_be_imported_is_one_line(
    text: str, problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert imported(tmp_path, text) == 2
    captured = capsys.readouterr()
    assert problem in captured.err
    assert captured.err.count("\n") == 1


def test_a_variable_needs_a_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert imported(tmp_path, plan(), "--set-var", "agents") == 2
    assert "has no value, write NAME=VALUE" in capsys.readouterr().err


def test_the_page_shows_names_of_the_plan_as_text(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    text = plan(thread_group("&lt;script&gt;alert(1)&lt;/script&gt;", throughput_timer(3000, 4) + OPEN + OFFER))
    assert imported(tmp_path, text, "--html", str(page)) == 0
    html = page.read_text()
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "does not delay the first sample of a thread" in html
    assert re.search(r"<td>500</td>", html)


def test_a_script_that_is_too_long_is_cut_with_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("locust_softphone.jmeter.plan_import.MOST_SAMPLES", 1000)
    assert imported(tmp_path, plan(thread_group("agents", OFFER * 8, threads=100))) == 0
    assert "the last 3 samplers of its script: too many samples to look at" in capsys.readouterr().out
