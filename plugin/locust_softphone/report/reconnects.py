"""The reconnect wave of each arm after a mass disconnect, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from locust_softphone.report.arms import Arm
from locust_softphone.report.timeline import ReconnectWave, wave_of
from locust_softphone.report.values import number

__all__ = ["reconnect_sentence"]


def reconnect_sentence(arms: Sequence[Arm]) -> str:
    """The waves of these arms, the lowest first; empty where there was none."""
    waves = [(arm, wave) for arm in arms if (wave := _highest(arm)) is not None]
    if not waves:
        return ""
    waves.sort(key=lambda each: (each[1].limited_per_s, each[1].handshakes_per_s))
    dropped = number(max(wave.dropped for _, wave in waves))
    each = "; ".join(_wave(arm, wave) for arm, wave in waves)
    return f"Reconnects after {dropped} connections were lost at once: {each}."


def _highest(arm: Arm) -> ReconnectWave | None:
    """The wave of an arm; of several runs, the worst in each respect."""
    waves = [wave for run in arm.runs if (wave := wave_of(run.timeline, arm.planned)) is not None]
    if not waves:
        return None
    dropped, returned, after_s, handshakes, limited = zip(*waves, strict=True)
    return ReconnectWave(max(dropped), min(returned), max(after_s), max(handshakes), max(limited))


def _wave(arm: Arm, wave: ReconnectWave) -> str:
    limited = f"{number(wave.limited_per_s)} 429s" if wave.limited_per_s else "no 429s"
    returned = "all" if wave.returned >= wave.dropped else number(wave.returned)
    return (
        f"{arm.label} peaked at {number(wave.handshakes_per_s)} handshakes and {limited} in a second, "
        f"{returned} reconnected after {wave.after_s} s"
    )
