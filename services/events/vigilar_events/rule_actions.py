"""What a rule that fired does: siren first, then the event (which alerts carries to people), cameras, devices, arming."""

from __future__ import annotations

import logging
import sqlite3
from collections import Counter
from collections.abc import Callable
from typing import Any

from vigilar_common.bus import Bus
from vigilar_common.clock import Clock, uuid7
from vigilar_common.config import Config
from vigilar_common.config.mqtt import topic_allowed
from vigilar_common.config.rule_words import ActionType
from vigilar_common.config.rules import Action, Rule
from vigilar_common.derived import derived_id
from vigilar_common.errors import OutboxFullError
from vigilar_common.messages.alarm import (
    ArmAction,
    ArmMode,
    ArmRefused,
    ArmState,
    EventOpened,
    EventType,
    Severity,
)
from vigilar_common.messages.camera import RecordAction, RecordCommand, TakeSnapshot
from vigilar_common.outbox import FactLog
from vigilar_common.topics import CMD_RECORD, CMD_SNAPSHOT

from vigilar_events.domain.alarm import refusal_of_presence
from vigilar_events.domain.rule_engine import Firing
from vigilar_events.guard import Guard

log = logging.getLogger("vigilar.events.rules")

ALL_CHANNELS = "all"
METHOD = "rule"
_SEVERITIES = (Severity.INFO, Severity.ALERT, Severity.CRITICAL)


class Actor:
    """Thread-safe: bus, guard and fact log are."""

    def __init__(
        self,
        *,
        clock: Clock,
        bus: Bus,
        facts: FactLog,
        guard: Guard,
        pin_configured: Callable[[], bool],
        config: Config,
    ) -> None:
        self._clock, self._bus, self._facts, self._guard = clock, bus, facts, guard
        self._pin_configured = pin_configured
        self.counters: Counter[str] = Counter()
        """Actions by kind, and `unsent`: orders that did not go out because the broker is away."""
        self.configure(config)

    def configure(self, config: Config) -> None:
        self._cameras = tuple(camera.id for camera in config.cameras if camera.enabled)
        self._publish_topics = config.mqtt.publish_topics

    def act(self, firing: Firing) -> None:
        """Never raises for what bus or disk do: one action that fails does not keep the others from being done."""
        actions = () if firing.is_late else firing.rule.tables()
        event = event_of(firing, self._guard.state)
        log.info(
            "rule %s%s: %s", firing.rule.id, " (too late to act)" if firing.is_late else "", firing.because
        )
        self._each(actions, (ActionType.SIREN,), lambda _: self._guard.sound(firing.rule.id, firing.id))
        self._tell(event)
        recordings = (ActionType.RECORD, ActionType.RECORD_ALL_CAMERAS)
        self._each(actions, recordings, lambda action: self._record(action, event.event_id))
        self._each(actions, (ActionType.SNAPSHOT,), self._snapshot)
        self._each(actions, (ActionType.MQTT,), self._publish)
        self._each(
            actions, (ActionType.ARM, ActionType.DISARM), lambda action: self._arm(firing.rule, action)
        )

    def _each(
        self, actions: tuple[Action, ...], kinds: tuple[ActionType, ...], do: Callable[[Action], None]
    ) -> None:
        for action in actions:
            if action.type in kinds:
                self.counters[action.type.value] += 1
                try:
                    do(action)
                except Exception:
                    self.counters["failed"] += 1
                    log.exception("action %s of a rule failed; the others are done", action.type.value)

    def _record(self, action: Action, event_id: str) -> None:
        command = RecordCommand(
            action=RecordAction.START, duration_s=action.duration_s, cause_id=event_id, user=METHOD
        )
        cameras = self._cameras if action.type is ActionType.RECORD_ALL_CAMERAS else action.cameras
        for camera_id in cameras:
            if not self._bus.send_command(CMD_RECORD, command, camera_id=camera_id):
                self._unsent(f"camera {camera_id} was not told to record")

    def _snapshot(self, action: Action) -> None:
        for camera_id in action.cameras:
            if not self._bus.send_command(CMD_SNAPSHOT, TakeSnapshot(), camera_id=camera_id):
                self._unsent(f"camera {camera_id} was not asked for a picture")

    def _publish(self, action: Action) -> None:
        # Checked with the configuration already; what this service may say is not left to one check.
        if not any(topic_allowed(action.topic, allowed) for allowed in self._publish_topics):
            self.counters["not_allowed"] += 1
            log.error("a rule may not publish to %s: [mqtt] publish_topics does not name it", action.topic)
        elif not self._bus.publish_outside(action.topic, action.payload.encode()):
            self._unsent(f"{action.topic} was not published to")

    def _arm(self, rule: Rule, action: Action) -> None:
        by, disarms = f"rule:{rule.id}"[:80], action.type is ActionType.DISARM
        wanted = (
            ArmAction.DISARM if disarms else ArmAction(f"ARM_{(action.mode or ArmMode.AWAY).value.upper()}")
        )
        refusal = refusal_of_presence(wanted, self._guard.state, self._pin_configured(), rule.allow_disarm)
        if not refusal:
            mode = action.mode or ArmMode.AWAY
            answer = self._guard.disarm(by, METHOD) if disarms else self._guard.arm(mode, by, METHOD)
            refusal = answer.refusal
        if not refusal:
            return
        refusal = refusal.replace("presence_may", "rule_may")
        self.counters["arm_refused"] += 1
        log.warning("rule %s may not %s: %s", rule.id, wanted.value, refusal)
        self._tell(
            ArmRefused(
                id=uuid7(self._clock), ts_ms=self._clock.now_ms(), action=wanted, code=refusal, requested_by=by,
                method=METHOD,
            )
        )  # fmt: skip

    def _tell(self, fact: EventOpened | ArmRefused) -> None:
        try:
            self._facts.emit_first(fact)
        except (OutboxFullError, sqlite3.Error) as error:
            self.counters["not_logged"] += 1
            log.critical("%s of a rule is not in the log: %s", fact.TYPE, error)

    def _unsent(self, what: str) -> None:
        self.counters["unsent"] += 1
        log.error("%s: the broker is away", what)


def event_of(firing: Firing, arm_state: ArmState) -> EventOpened:
    """The firing as an event; the same cause always gives the same ids."""
    rule, happening = firing.rule, firing.happening
    channels, severity = channels_of(rule)
    detail: dict[str, Any] = {
        "rule_id": rule.id,
        "reason": firing.because,
        "conditions": [{"text": t.text, "holds": t.holds, "caused": t.caused} for t in firing.told],
        "cause_id": firing.cause_id,
        "actions": [_named(action) for action in rule.tables()],
        "channels": [] if firing.is_late else list(channels),
    }
    if firing.is_late:
        detail |= {"late_s": round(firing.late_s), "actions": []}
    return EventOpened(
        id=firing.id,
        ts_ms=happening.at_ms or firing.at.ms,
        event_id=derived_id("event:rule", firing.id),
        type=EventType.RULE,
        severity=Severity.INFO if firing.is_late else severity,
        title=(rule.description or f"Rule {rule.id}")[:500],
        camera_id=happening.camera_id,
        sensor_id=happening.sensor_id,
        picture_id=happening.picture_id,
        recording_id=happening.recording_id,
        zones=list(happening.zones),
        arm_state=arm_state,
        detail=detail,
    )


def channels_of(rule: Rule) -> tuple[tuple[str, ...], Severity]:
    """Through which channels the rule tells people, and how loud."""
    channels: dict[str, None] = {}
    severity = Severity.INFO
    for action in rule.tables():
        match action.type:
            case ActionType.ALERT_ALL:
                found: tuple[str, ...] = (ALL_CHANNELS,)
            case ActionType.ALERT:
                found = tuple(channel.value for channel in action.channels)
            case ActionType.WEBHOOK:
                found = ("webhook",)
            case _:
                continue
        channels |= dict.fromkeys(found)
        severity = max(severity, action.severity, key=_SEVERITIES.index)
    return tuple(channels), severity


def _named(action: Action) -> str:
    about = action.topic or (action.mode or "") or ", ".join((*action.cameras, *action.channels))
    return f"{action.type.value} {about}".strip()[:120]
