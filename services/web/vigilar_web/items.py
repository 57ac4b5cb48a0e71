"""Rows of storage and live facts, as the public API shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vigilar_common.messages.alarm import EventEnded, EventOpened
from vigilar_common.messages.alerts import AlertDelivery

from vigilar_web.settings import CameraInfo

UNSEEN = frozenset({"duress"})
"""Types of events that no page shows by itself: whoever forces somebody to disarm may be looking at it."""
Row = Mapping[str, Any]
Cameras = Mapping[str, CameraInfo]


def event_item(row: Row, cameras: Cameras) -> dict[str, Any]:
    """From a row of storage's `events`."""
    camera_id = row.get("camera_id")
    picture_id, recording_id = row.get("picture_id"), row.get("recording_id")
    end = row.get("end_detail")
    end = end if isinstance(end, Mapping) else {}
    return {
        "id": row["id"],
        "type": row.get("type"),
        "severity": row.get("severity"),
        "title": row.get("title") or "",
        "camera_id": camera_id,
        "camera_name": camera_name(camera_id, cameras),
        "started_ms": row.get("started_ms"),
        "ended_ms": row.get("ended_ms"),
        "picture_url": f"/api/v1/pictures/{picture_id}" if picture_id else None,
        "recording_id": recording_id,
        "recording_offset_ms": row.get("recording_offset_ms"),
        "playlist_url": f"/api/v1/recordings/{recording_id}/playlist.m3u8" if recording_id else None,
        "arm_state": row.get("arm_state"),
        "zones": end.get("zones") or row.get("zones") or [],
        "score": row.get("score") or 0,
        "score_curve": _score_curve(end),
        "object": _object(row.get("detail"), end, row.get("verdict"), row.get("cause_id")),
        "to_review": row.get("to_review"),
        "reviewed": {"by": row.get("reviewed_by") or "", "ts_ms": row["reviewed_ms"]}
        if row.get("reviewed_ms")
        else None,
    }


def _object(begin: Any, end: Row, verdict: Any, cause_id: Any) -> dict[str, Any] | None:
    """What was seen, as its end says it or, while it is in sight, as its beginning does; None for what is no object.

    A vehicle that arrives or leaves is one too: its event names the whole one in `object_event_id`.
    """
    begin = begin if isinstance(begin, Mapping) else {}
    track_id = begin.get("track_id") or (cause_id if begin.get("move") else None)
    if not track_id:
        return None
    names = (
        "object_class",
        "confidence",
        "box",
        "picture_box",
        "dwell_s",
        "speed",
        "direction",
        "crossed",
        "loitered",
        "reason",
        "vehicle",
        "way",
    )
    said = {name: end.get(name, begin.get(name)) for name in names}
    whole = begin.get("object_event_id")
    return {"track_id": track_id, "verdict": verdict or None, "object_event_id": whole} | said


def _score_curve(end: Row) -> dict[str, Any] | None:
    """How strongly it moved: `{points, step_s, mean, peak}`; None while it lasts, and for what is no motion."""
    if not end.get("curve"):
        return None
    return {
        "points": end["curve"],
        "step_s": end.get("curve_step_s") or 1,
        "mean": end.get("mean_score") or 0,
        "peak": end.get("peak_score") or 0,
    }


def opened_item(fact: EventOpened, cameras: Cameras, ended: EventEnded | None = None) -> dict[str, Any]:
    """From the live facts, before storage has the row."""
    row = fact.model_dump(mode="json") | {"id": fact.event_id, "started_ms": fact.ts_ms, "ended_ms": None}
    if ended is not None:
        row |= {"ended_ms": ended.ended_ms, "end_detail": ended.detail}
        row["picture_id"] = ended.detail.get("picture_id") or row["picture_id"]
    return event_item(row, cameras)


def recording_item(row: Row, cameras: Cameras) -> dict[str, Any]:
    wanted = (
        "id", "camera_id", "started_ms", "ended_ms", "duration_ms", "state", "trigger", "event_id", "cause_id",
        "codec", "audio_codec", "width_px", "height_px", "size_bytes", "starred", "damage", "reason", "sealed_ms",
    )  # fmt: skip
    item = {name: row.get(name) for name in wanted}
    item["starred"] = bool(item["starred"])
    item["version_1"] = bool(row.get("version_1"))
    item["camera_name"] = camera_name(row.get("camera_id"), cameras)
    item["encrypted"] = row.get("format") != "mp4"
    base = f"/api/v1/recordings/{row['id']}"
    urls = {"playlist": "playlist.m3u8", "content": "content.mp4", "download": "download"}
    return item | {f"{name}_url": f"{base}/{tail}" for name, tail in urls.items()}


def delivery_item(fact: AlertDelivery) -> dict[str, Any]:
    """The same shape as a row of `alert_log`."""
    return fact.model_dump(mode="json", exclude={"source", "seq", "v"})


def camera_name(camera_id: Any, cameras: Cameras) -> str | None:
    """The configured name; a removed camera keeps its id as a name."""
    if not isinstance(camera_id, str):
        return None
    found = cameras.get(camera_id)
    return found.name if found else camera_id


def channel_statistics(rows: list[Row]) -> dict[str, dict[str, int | None]]:
    """Per channel over `rows`: attempts by outcome, and the latency from onset to the channel's yes."""
    channels: dict[str, dict[str, int | None]] = {}
    latencies: dict[str, list[int]] = {}
    for row in rows:
        channel = str(row.get("channel"))
        entry = channels.setdefault(
            channel, {"attempts": 0, "delivered": 0, "retrying": 0, "failed": 0, "gone": 0}
        )
        entry["attempts"] = (entry["attempts"] or 0) + 1
        outcome = str(row.get("outcome"))
        if outcome in entry:
            entry[outcome] = (entry[outcome] or 0) + 1
        if outcome == "delivered":
            latencies.setdefault(channel, []).append(int(row.get("latency_ms") or 0))
    for channel, entry in channels.items():
        known = sorted(latencies.get(channel, []))
        entry["p50_ms"] = _percentile(known, 50)
        entry["p95_ms"] = _percentile(known, 95)
    return channels


def _percentile(ordered: list[int], pct: int) -> int | None:
    """Nearest rank; None without values."""
    if not ordered:
        return None
    return ordered[max(0, -(-len(ordered) * pct // 100) - 1)]
