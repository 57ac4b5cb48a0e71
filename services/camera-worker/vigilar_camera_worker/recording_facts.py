"""The facts of a recording and its picture, and what a recording's footer says of it."""

from __future__ import annotations

from typing import Any

from vigilar_common.messages.camera import PictureTaken, RecordingFinished, RecordingOpened

from vigilar_camera_worker.adapters.fmp4 import StreamFormat
from vigilar_camera_worker.domain.clocks import Clocks
from vigilar_camera_worker.domain.session import Open, StorePicture


def opened(camera_id: str, item: Open, first_ms: int, encrypted: bool) -> RecordingOpened:
    shape: StreamFormat = item.wanted
    return RecordingOpened(
        ts_ms=first_ms,
        camera_id=camera_id,
        recording_id=item.recording_id,
        stream_id=shape.stream_id,
        trigger=item.trigger,
        cause_id=item.cause_id,
        codec=shape.codec,
        width_px=shape.width_px,
        height_px=shape.height_px,
        audio_codec=shape.audio_codec,
        encrypted=encrypted,
    )


def finished(
    camera_id: str, item: Open, started_ms: int, ended_ms: int, size_bytes: int, reason: str
) -> RecordingFinished:
    return RecordingFinished(
        ts_ms=ended_ms,
        camera_id=camera_id,
        recording_id=item.recording_id,
        started_ms=started_ms,
        ended_ms=ended_ms,
        size_bytes=size_bytes,
        reason=reason[:500],
    )


def picture(camera_id: str, item: StorePicture, size_bytes: int) -> PictureTaken:
    return PictureTaken(
        ts_ms=item.taken_ms,
        camera_id=camera_id,
        picture_id=item.picture_id,
        kind=item.kind,
        cause_id=item.cause_id,
        width_px=item.width_px,
        height_px=item.height_px,
        size_bytes=size_bytes,
    )


def metadata(
    item: Open, started_ms: int, ended_ms: int, reason: str, clocks: Clocks | None
) -> dict[str, Any]:
    """For the footer; times are UTC ms of the first frame and of the end of the last one."""
    shape: StreamFormat = item.wanted
    return {
        "codec": shape.codec,
        "width_px": shape.width_px,
        "height_px": shape.height_px,
        "audio_codec": shape.audio_codec,
        "trigger": item.trigger.value,
        "cause_id": item.cause_id,
        "started_ms": started_ms,
        "ended_ms": ended_ms,
        "reason": reason,
        "clock": clocks.metadata() if clocks else None,
    }
