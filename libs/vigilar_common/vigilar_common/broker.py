"""The broker's configuration, users and ACL, generated from the topic declarations.

Formats: mosquitto.conf(5); the password file's `$7$` lines are PBKDF2-HMAC-SHA512 as mosquitto_passwd(1) writes them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from vigilar_common.errors import StartupError
from vigilar_common.topics import ALL_SERVICES, OUTSIDERS, REPLY, SERVICES, TOPICS, Kind, Topic
from vigilar_common.topics_foreign import Prefixes, discovery

PASSWORD_ITERATIONS = 1_000
"""The passwords are random and long: iterations would only slow every reconnect."""
CAMERA_PREFIX = "camera-worker-"

DEFAULT_PREFIXES = Prefixes()

MAX_PACKET_BYTES = 9_000_000
MAX_QUEUED_MESSAGES = 20_000
MAX_QUEUED_BYTES = 64_000_000


def users(camera_ids: Iterable[str]) -> list[str]:
    """Every broker user: services, one per camera, and those for other people's software."""
    named = [service for service in SERVICES if service != "camera-worker"]
    return named + [CAMERA_PREFIX + camera_id for camera_id in sorted(camera_ids)] + list(OUTSIDERS)


def acl(camera_ids: Iterable[str], prefixes: Prefixes = DEFAULT_PREFIXES) -> str:
    """The ACL file. Raises StartupError when it would be empty: Mosquitto reads that as `allow everything`."""
    foreign = {
        "sensors": (f"read {prefixes.zigbee2mqtt}/#", f"read {prefixes.zwave}/#"),
        "events": tuple(f"write {allowed}" for allowed in prefixes.publish),
        "zigbee2mqtt": (f"readwrite {prefixes.zigbee2mqtt}/#",),
        "zwave": (f"readwrite {prefixes.zwave}/#",),
        "presence": (f"read {prefixes.trackers}/#",),
        "homeassistant": (f"write {discovery(prefixes.discovery).filter()}", f"read {prefixes.birth}"),
        "home_automation": (
            f"write {prefixes.trackers}/#",
            f"read {prefixes.discovery}/#",
            f"write {prefixes.birth}",
        ),
    }
    blocks = [
        "# Generated from vigilar_common.topics; do not edit.",
        "pattern write vigilar/cmd/%u/#",
        "pattern read vigilar/reply/%u/#",
    ]
    for user in users(camera_ids):
        lines = sorted({*_rights(user, "write"), *_rights(user, "read"), *foreign.get(user, ())})
        blocks.append("\n".join([f"user {user}", *(f"topic {line}" for line in lines)]))
    text = "\n\n".join(blocks) + "\n"
    if "topic " not in text:
        raise StartupError("the generated ACL is empty: the broker would allow everything")
    return text


def _rights(user: str, action: str) -> list[str]:
    role, bound = (user, {})
    if user.startswith(CAMERA_PREFIX):
        role, bound = "camera-worker", {"camera_id": user.removeprefix(CAMERA_PREFIX)}
    lines = []
    for topic in TOPICS:
        if topic.kind is Kind.COMMAND and action == "write":
            continue  # by the pattern: the topic is the identity
        if topic is REPLY and action == "read":
            continue  # by the pattern
        parties = topic.publishers if action == "write" else topic.subscribers
        if role not in parties and not (parties == ALL_SERVICES and role not in OUTSIDERS):
            continue
        ids = dict(bound)
        if parties == ALL_SERVICES and "{service}" in topic.pattern:
            if bound and "camera" not in topic.pattern and topic.kind is Kind.AVAILABILITY:
                continue  # a camera says so on its own availability topic
            ids["service"] = user
        lines.append(f"{action} {_filter(topic, ids)}")
    return lines


def _filter(topic: Topic, ids: Mapping[str, str]) -> str:
    return topic.filter(**ids)


def password_line(user: str, password: str) -> str:
    salt = os.urandom(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, PASSWORD_ITERATIONS)
    return f"{user}:$7${PASSWORD_ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def password_matches(hashed: str, password: str) -> bool:
    """Whether a line's part after the user name is of this password."""
    try:
        _, kind, iterations, salt, digest = hashed.split("$")
        made = hashlib.pbkdf2_hmac("sha512", password.encode(), base64.b64decode(salt), int(iterations))
        return kind == "7" and hmac.compare_digest(made, base64.b64decode(digest))
    except ValueError:
        return False


def mosquitto_conf(
    *,
    listeners: Iterable[str],
    password_file: Path,
    acl_file: Path,
    persistence_dir: Path | None = None,
    extra: Iterable[str] = (),
) -> str:
    """mosquitto.conf. `listeners` are `port address` pairs such as `1883 127.0.0.1`.

    Persistence is for other people's software: Vigilar's own truth is the fact log, and a PUBACK here is no durability.
    """
    lines = [
        "# Generated; see docs/guide/broker.md for why each bound is what it is.",
        "per_listener_settings false",
        *(f"listener {listener}" for listener in listeners),
        *extra,
        "allow_anonymous false",
        f"password_file {password_file}",
        f"acl_file {acl_file}",
        f"max_packet_size {MAX_PACKET_BYTES}",
        "max_inflight_messages 200",
        f"max_queued_messages {MAX_QUEUED_MESSAGES}",
        f"max_queued_bytes {MAX_QUEUED_BYTES}",
        "max_keepalive 120",
        "persistent_client_expiration 7d",
        "set_tcp_nodelay true",
        "connection_messages true",
        "log_type error",
        "log_type warning",
        "log_type notice",
        "log_dest stdout",
    ]
    if persistence_dir:
        lines += ["persistence true", f"persistence_location {persistence_dir}/", "autosave_interval 300"]
    else:
        lines.append("persistence false")
    return "\n".join(lines) + "\n"
