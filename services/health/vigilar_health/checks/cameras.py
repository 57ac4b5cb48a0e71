"""Does every camera deliver pictures, and does it deliver what was promised?"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.camera import CameraCondition
from vigilar_common.messages.system import Finding

from vigilar_health.checks.heartbeats import SILENT_AFTER_S
from vigilar_health.domain.board import CAMERA_PREFIX, Board

GAPS_SHOWN_S = 3600.0
CURE = "Check its power, network, address and password; it is tried again by itself."
CURES = {
    "unreachable": "Check its power, its network and the address in rtsp_url; it is tried again by itself.",
    "login_refused": "Correct user and password in rtsp_url; then it is tried at once, else within five minutes.",
    "no_such_stream": "Correct the path in rtsp_url; `vigilar cameras discover` finds the paths of ONVIF cameras.",
    "busy": "End other recorders and apps that watch it, or allow more viewers in the camera; one that allows a single "
    "viewer works without detect_url only.",
    "transport_refused": "Set rtsp_transport of this camera to udp or http.",
    "unusable": "Set the camera to H.264 or H.265 with a keyframe every one or two seconds; try `vigilar cameras probe`.",
    "redirected": "Put the address that the camera really has into rtsp_url.",
    "broken_answer": "What answers is no RTSP camera: check host and port in rtsp_url.",
    "lost": "Check cable, Wi-Fi and power of the camera; it is tried again by itself.",
    "stalled": "The camera hangs or its network does: restart it if this stays.",
}
"""By the kind of the last failure (`CameraState.error`)."""
OFFLINE_AFTER_MS = 10_000


def offline(board: Board) -> Iterator[Finding]:
    if board.starting:
        return
    for camera_id in board.enabled_cameras():
        state = board.camera_states.get(camera_id)
        if state is None or board.silent_s(CAMERA_PREFIX + camera_id) > SILENT_AFTER_S:
            continue  # its worker's silence is the finding
        if state.privacy:
            yield Finding(
                code="camera_private",
                severity=Severity.INFO,
                subject=camera_id,
                title=f"{board.camera_name(camera_id)} is in privacy: it sees and records nothing",
                cure="Switch its privacy off, on its page or in Home Assistant.",
                since_ms=state.since_ms,
            )
            continue
        if state.condition is CameraCondition.ONLINE or board.now_ms - state.since_ms < OFFLINE_AFTER_MS:
            continue
        yield Finding(
            code="camera_offline",
            severity=Severity.ALERT,
            subject=camera_id,
            title=f"{board.camera_name(camera_id)} gives no picture: {state.reason or state.condition.value}"[
                :500
            ],
            cure=CURES.get(state.error, CURE),
            since_ms=state.since_ms,
        )


def not_recording(board: Board) -> Iterator[Finding]:
    """Pictures come, but the disk does not take them."""
    for camera_id in board.enabled_cameras():
        state = board.camera_states.get(camera_id)
        if state is None or not state.recording_problem:
            continue
        yield Finding(
            code="not_recording",
            severity=Severity.CRITICAL,
            subject=camera_id,
            title=f"{board.camera_name(camera_id)}: {state.recording_problem}"[:500],
            cure=f"See to the disk of {board.config.system.recordings_dir}; recording is tried again every few seconds.",
        )


def own_findings(board: Board) -> Iterator[Finding]:
    """What its worker found: another resolution than expected, a codec that browsers cannot play, …"""
    for camera_id in board.enabled_cameras():
        state = board.camera_states.get(camera_id)
        for text in state.findings if state else ():
            yield Finding(
                code=f"camera_finding.{_kind_of(text)}",
                severity=Severity.INFO,
                subject=camera_id,
                title=f"{board.camera_name(camera_id)}: {text}"[:500],
                cure="See the camera's settings and its block in vigilar.toml.",
            )


def gaps(board: Board) -> Iterator[Finding]:
    """Seconds that should have been recorded within the last hour."""
    reasons = {gap.camera_id: gap.reason for at_s, gap in board.gaps if board.now_s - at_s <= GAPS_SHOWN_S}
    for camera_id, reason in sorted(reasons.items()):
        yield Finding(
            code="recording_gaps",
            severity=Severity.ALERT,
            subject=camera_id,
            title=f"{board.camera_name(camera_id)}: recordings of the last hour lack seconds ({reason})"[
                :500
            ],
            cure="Check the camera's network and the disk; the gaps are listed with the recordings.",
        )


def _kind_of(text: str) -> str:
    """Tells a camera's findings apart: two of them are two, one whose figures change stays one."""
    return f"{zlib.crc32(re.sub('[0-9]+', '', text).encode()):08x}"
