"""What a camera's answer to an RTSP request means for its owner."""

from __future__ import annotations

from typing import Final

from vigilar_camera_worker.domain import rtsp
from vigilar_camera_worker.errors import (
    BusyError,
    CameraError,
    LoginRefusedError,
    NoSuchStreamError,
    RedirectedError,
    TransportRefusedError,
    UnusableStreamError,
    address,
)

_BUSY: Final = (453, 486, 503)


def verdict(answer: rtsp.Answer, where: str, *, has_login: bool) -> CameraError | None:
    """What an answer means for the camera's owner; None for a good one."""
    status = answer.status
    if status < 300:
        return None
    if status < 400:
        target = answer.header("location")[:200]
        to = address(target)[:120] if "://" in target else "another address"
        return RedirectedError(
            f"{where} sends us on to {to} ({status}); nobody is followed: put the right address into rtsp_url"
        )
    if status == 401:
        kinds = [kind.split(" ")[0].lower() for kind in answer.logins()]
        usable = any(
            kind == "basic"
            or (kind == "digest" and "sha" not in offer.lower().partition("algorithm=")[2][:8])
            for kind, offer in zip(kinds, answer.logins(), strict=True)
        )
        if kinds and not usable:
            return LoginRefusedError(
                f"{where} wants a login by {', '.join(sorted(set(kinds)))} of a kind that is not spoken here (401); "
                "allow digest (MD5) in the camera's settings"
            )
        if has_login:
            return LoginRefusedError(f"{where} refuses user or password (401)")
        return LoginRefusedError(f"{where} wants a user and a password (401): rtsp://USER:PASSWORD@…")
    if status == 403:
        return LoginRefusedError(
            f"{where} refuses user or password (403): this user may not see this stream, or is locked for a while"
        )
    if status in (404, 410):
        return NoSuchStreamError(
            f"{where}: no such stream ({status}); check the path of the camera's address"
        )
    if status in _BUSY:
        return BusyError(
            f"{where} refuses the stream: it serves no further viewer ({status}); end other recorders and apps, "
            "or allow more viewers in the camera"
        )
    if status == 461:
        return TransportRefusedError(f"{where} does not send over this transport (461)")
    return UnusableStreamError(f"{where} refuses the stream ({status})")
