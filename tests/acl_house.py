"""A broker whose ACL may be changed line by line, and what every user could say and hear on it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from pathlib import Path

from acl_truth import CAMERAS, PREFIXES, may_hear, may_say, topics
from mqtt_wire import PUBACK, Packet, Wire, publish
from vigilar_common import broker
from vigilar_common.testing.broker import TestBroker

OBSERVER = "observer"
"""Reads and writes everything, so that what others may do is seen by what arrives."""
EVERYTHING = ["#", "$SYS/#", "$CONTROL/#"]
SHARED = ["$share/{user}/#"]
"""A group for each user alone: else its members would share the messages."""
LEVELS = ["/".join(["+"] * depth) for depth in range(1, 9)]
PING, PONG = b"\xc0\x00", 13


class AclHouse:
    def __init__(self, folder: Path) -> None:
        self.users = broker.users(CAMERAS)
        self.topics = topics(self.users)
        self.says = {user: {t for t in self.topics if may_say(user, t)} for user in self.users}
        self.hears = {user: {t for t in self.topics if may_hear(user, t)} for user in self.users}
        self.acl = broker.acl(CAMERAS, PREFIXES)
        self.broker = TestBroker(folder, CAMERAS, PREFIXES)
        self.broker.passwords[OBSERVER] = secrets.token_urlsafe(12)
        passwd = folder / "passwd"
        passwd.write_text(
            passwd.read_text() + broker.password_line(OBSERVER, self.broker.passwords[OBSERVER]) + "\n"
        )
        self.broker.conf.write_text(self.broker.conf.read_text() + "sys_interval 1\n")
        self._blobs: dict[str, bytes] = {}

    def start(self, acl: str = "") -> None:
        """Afresh: nothing retained."""
        self.broker.kill()
        (self.broker.folder / "acl").write_text(
            (acl or self.acl) + f"\nuser {OBSERVER}\ntopic readwrite #\ntopic readwrite $SYS/#\n"
        )
        self.broker.start()

    def wire(self, user: str, version: int = 5, will: tuple[str, bytes, bool] | None = None) -> Wire:
        return Wire(self.broker.host, self.broker.port, user, self.broker.passwords[user], "", version, will)

    # -- what a user can say ------------------------------------------------------------------------

    def said(self, users: Iterable[str], observer: Wire, form: str = "publish") -> dict[str, set[str]]:
        """Per user the topics whose message arrived. `observer` listens to everything."""
        found = {}
        for user in users:
            with self.wire(user, 4 if form == "3.1.1" else 5) as wire:
                wire.send(self._packets(user, form))
                answers = settled(wire)
            got = {p.topic for p in settled(observer) if p.payload == user.encode()}
            if form == "acknowledged":
                self._told(user, got, answers)
            found[user] = got
        return found

    def _told(self, user: str, got: set[str], answers: list[Packet]) -> None:
        """With MQTT 5 the broker says who may not publish; a service hears of a missing right."""
        refused = {self.topics[p.packet_id - 1] for p in answers if p.kind == PUBACK and p.reason >= 0x80}
        assert refused == set(self.topics) - got, f"{user}: what is refused is not what did not arrive"

    def _packets(self, user: str, form: str) -> bytes:
        key, payload = f"{user} {form}", user.encode()
        if key in self._blobs:
            return self._blobs[key]
        made = bytearray()
        for number, topic in enumerate(self.topics, 1):
            if form == "acknowledged":
                made += publish(topic, payload, qos=1, packet_id=number)
            elif form == "retained":
                made += publish(topic, payload, retain=True)
            elif form == "alias":
                made += publish(topic, b"by name", alias=1) + publish("", payload, alias=1)
            else:
                made += publish(topic, payload, version=4 if form == "3.1.1" else 5)
        self._blobs[key] = bytes(made)
        return self._blobs[key]

    def kept(self, users: Iterable[str]) -> dict[str, set[str]]:
        """Per user the topics where its retained message stays."""
        found = {}
        for user in users:
            with self.wire(user) as wire:
                wire.send(self._packets(user, "retained"))
                settled(wire)
            with self.wire(OBSERVER) as reader:
                reader.subscribe(EVERYTHING)
                got = {p.topic for p in settled(reader) if p.retained and p.payload == user.encode()}
                reader.send(b"".join(publish(topic, b"", retain=True) for topic in got))
                settled(reader)
            found[user] = got
        return found

    def willed(self, user: str, wanted: Iterable[str], observer: Wire) -> set[str]:
        """The topics where the last will of a user that died without a goodbye arrived."""
        for topic in wanted:
            try:
                self.wire(user, will=(topic, user.encode(), False)).__enter__().close()
            except ConnectionError:
                continue  # refused at the door: it says nothing either
        self.wire(OBSERVER, will=("end/of/wills", b"end", False)).__enter__().close()
        return {p.topic for p in observer.until(lambda p: p.topic == "end/of/wills")}

    # -- what a user can hear -----------------------------------------------------------------------

    def heard(
        self, users: Iterable[str], filters: list[str], *, retained: bool = False, version: int = 5
    ) -> dict[str, set[str]]:
        """Per user the topics that came to it while the observer said something on each."""
        wires = {user: self.wire(user, version) for user in users}
        blob = b"".join(publish(topic, b"x", retain=retained) for topic in self.topics)
        with self.wire(OBSERVER) as speaker:
            if retained:
                speaker.send(blob)
                settled(speaker)
            for wire in wires.values():
                wire.open()
            early = {
                user: wire.subscribe([one.replace("{user}", user) for one in filters])
                for user, wire in wires.items()
            }
            if not retained:
                speaker.send(blob)
                settled(speaker)
            found = {user: {p.topic for p in early[user] + settled(wire)} for user, wire in wires.items()}
            if retained:
                speaker.send(b"".join(publish(topic, b"", retain=True) for topic in self.topics))
                settled(speaker)
        for wire in wires.values():
            wire.close()
        return found


def settled(wire: Wire) -> list[Packet]:
    """What came until the broker answered a ping: it has handled what was sent, and sent what it had."""
    wire.send(PING)
    return wire.until(lambda p: p.kind == PONG)


def differences(expected: dict[str, set[str]], got: dict[str, set[str]]) -> list[str]:
    """One line per topic and user that is not as expected."""
    return [
        f"{user} {'may not' if topic in got[user] else 'should'}: {topic}"
        for user in got
        for topic in sorted(expected[user] ^ got[user])
    ]
