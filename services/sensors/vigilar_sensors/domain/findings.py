"""What is wrong with sensors and bridges, and what helps; health shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from vigilar_common.config.sensors import Protocol
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding

from vigilar_sensors.domain.board import BRIDGE_GRACE_S, Board
from vigilar_sensors.domain.sensor import Tracked

MAX_FINDINGS = 20
UNHEARD_AFTER_S = 600.0
_RANK = (Severity.CRITICAL, Severity.ALERT, Severity.INFO)
_BRIDGES = {
    Protocol.ZIGBEE: ("Zigbee2MQTT", "zigbee2mqtt", "[zigbee2mqtt] mqtt_topic_prefix"),
    Protocol.ZWAVE: ("Z-Wave JS UI", "zwave", "[zwave] mqtt_topic_prefix"),
}


@dataclass
class Troubles:
    """What the service itself met."""

    gpio: Mapping[str, str] = field(default_factory=dict)
    """Sensor id to why its line cannot be read."""
    refused: int = 0
    """Messages in the last while."""
    refused_last: str = ""
    lost_messages: int = 0
    lost_facts: int = 0


def findings(board: Board, troubles: Troubles, now_s: float) -> list[Finding]:
    """The gravest first, at most `MAX_FINDINGS`; the last one then says how many more there are."""
    found = [*_own(troubles), *_bridges(board, now_s), *_devices(board, now_s)]
    found += [
        _finding("gpio_unavailable", Severity.ALERT, board.sensors[name], f"cannot be read: {reason}",
               "Check the line, that the chip is there, and that the service may use it (docs/guide/sensors.md).")
        for name, reason in troubles.gpio.items() if name in board.sensors
    ]  # fmt: skip
    found.sort(key=lambda finding: _RANK.index(finding.severity))
    if len(found) <= MAX_FINDINGS:
        return found
    left = len(found) - MAX_FINDINGS + 1
    return [
        *found[: MAX_FINDINGS - 1],
        Finding(
            code="more_findings",
            severity=found[MAX_FINDINGS - 1].severity,
            title=f"{left} more findings about sensors",
            cure="See to those above first; the page has the state of every sensor.",
        ),
    ]


def _own(troubles: Troubles) -> Iterator[Finding]:
    if troubles.lost_messages or troubles.lost_facts:
        yield Finding(
            code="sensor_messages_lost",
            severity=Severity.CRITICAL,
            title=f"{troubles.lost_messages} messages of bridges were not read and {troubles.lost_facts} facts not kept",
            cure="More came than this machine can take, or its disk is full. The log of the sensors service says which.",
        )
    if troubles.refused:
        yield Finding(
            code="sensor_messages_refused",
            severity=Severity.ALERT,
            title=f"{troubles.refused} messages in the last ten minutes made no sense; the last: {troubles.refused_last}"[
                :500
            ],
            cure="A device, its converter or somebody on the broker sends what cannot be. What does not fit is not used.",
        )


def _bridges(board: Board, now_s: float) -> Iterator[Finding]:
    for protocol, (name, subject, key) in _BRIDGES.items():
        bridge, sensors = board.bridges[protocol], board.of(protocol)
        if not sensors:
            continue
        if bridge.online is False:
            yield Finding(
                code="bridge_offline",
                severity=Severity.CRITICAL,
                subject=subject,
                title=f"{name} is offline: {len(sensors)} sensors say nothing",
                cure="Start it; its own log says what it lacks (mostly its radio).",
            )
        elif bridge.online is None and now_s - board.started_s > BRIDGE_GRACE_S and not _heard(sensors):
            yield Finding(
                code="bridge_offline",
                severity=Severity.CRITICAL,
                subject=subject,
                title=f"{name} has not been heard on the broker: {len(sensors)} sensors say nothing",
                cure=f"It must use this broker, with its own user, and the prefix that {key} names.",
            )
        if bridge.info.default_key:
            yield Finding(
                code="zigbee_network_key",
                severity=Severity.ALERT,
                subject=subject,
                title=f"The Zigbee network's key seems to be the default one: {bridge.info.default_key}",
                cure="Set advanced.network_key, pan_id and ext_pan_id to GENERATE in its configuration.yaml, restart it "
                "and pair every device again: with the known key anybody near can read and forge sensors.",
            )
        if bridge.info.permit_join:
            yield Finding(
                code="zigbee_permit_join",
                severity=Severity.ALERT,
                subject=subject,
                title="The Zigbee network lets new devices in",
                cure="Close it in Zigbee2MQTT (permit join) once your device is there; never leave permit_join on in its file.",
            )


def _devices(board: Board, now_s: float) -> Iterator[Finding]:
    for tracked, near in board.unknown_devices():
        hint = f'; did you mean "{near}"?' if near else ""
        yield _finding("sensor_address", Severity.ALERT, tracked, f"is not among Zigbee2MQTT's devices{hint}",
            "Put its friendly name or IEEE address into device_address.",
        )  # fmt: skip
    for tracked in board.sensors.values():
        yield from _device(tracked, board, now_s)


def _device(tracked: Tracked, board: Board, now_s: float) -> Iterator[Finding]:
    bridge = board.bridges.get(tracked.config.protocol)
    if tracked.tampered:
        yield _finding(
            "sensor_tamper", Severity.CRITICAL, tracked, "reports tampering", "Look at it; close its case."
        )
    if tracked.battery_low:
        level = tracked.values.get("battery")
        said = f" ({level:g} %)" if isinstance(level, float) else ""
        yield _finding(
            "sensor_battery_low", Severity.ALERT, tracked, f"has a low battery{said}", "Change its battery."
        )
    if bridge and bridge.online is False:
        return  # the bridge is the finding
    if tracked.silent:
        yield _finding("sensor_silent", Severity.ALERT, tracked, f"is {tracked.reason}",
            "Check its battery and its distance. silent_after_m sets how long it may say nothing.",
        )  # fmt: skip
    elif tracked.unavailable:
        yield _finding("sensor_unavailable", Severity.ALERT, tracked, f"is {tracked.reason}",
            "Check its battery and its distance.",
        )  # fmt: skip
    elif bridge and not tracked.known and now_s - board.started_s > UNHEARD_AFTER_S:
        yield _finding("sensor_unheard", Severity.INFO, tracked, f"guards nothing yet: {tracked.reason}",
            "Open and close it once. Zigbee2MQTT's device option `retain` makes the broker remember it.",
        )  # fmt: skip


def _finding(code: str, severity: Severity, tracked: Tracked, what: str, cure: str) -> Finding:
    return Finding(
        code=code, severity=severity, subject=tracked.config.id,
        title=f"{tracked.config.display_name} {what}"[:500], cure=cure,
    )  # fmt: skip


def _heard(sensors: list[Tracked]) -> bool:
    return any(tracked.known for tracked in sensors)
