"""What a camera worker says and is told."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from vigilar_common.messages.base import Fact, Identifier, Message, Text, TimestampMs, Uuid, Value


class CameraCondition(StrEnum):
    CONNECTING = "connecting"
    ONLINE = "online"
    OFFLINE = "offline"


class Analysis(StrEnum):
    """How motion is searched: by few pictures while nothing moves, by all of them, or not at all."""

    NONE = "none"
    SPARSE = "sparse"
    FULL = "full"


class Trigger(StrEnum):
    """Why a recording was made."""

    MOTION = "motion"
    CONTINUOUS = "continuous"
    MANUAL = "manual"
    RULE = "rule"


class PictureKind(StrEnum):
    THUMBNAIL = "thumbnail"
    SNAPSHOT = "snapshot"
    OBJECT = "object"
    """What is about a followed object, cut from the picture in which it was seen best."""


class Box(Value):
    """A rectangle in the picture, each number 0–1 of its width or height."""

    x: float = Field(ge=0, le=1)
    y: float = Field(ge=0, le=1)
    w: float = Field(ge=0, le=1)
    h: float = Field(ge=0, le=1)


class CameraState(Message):
    """Retained: the truth about one camera now."""

    camera_id: Identifier
    condition: CameraCondition
    reason: Text = Field("", description="why it is not online; empty when it is")
    error: str = Field(
        "",
        max_length=32,
        description="the kind of that reason: unreachable, login_refused, no_such_stream, busy, …",
    )
    since_ms: TimestampMs = 0
    codec: str = Field("", max_length=32)
    width_px: int = Field(0, ge=0)
    height_px: int = Field(0, ge=0)
    fps: float = Field(0, ge=0)
    motion: bool = False
    recording: bool = False
    ordered_until_ms: TimestampMs = Field(
        0, description="when recording on command ends, post-roll not counted; 0: nobody ordered any"
    )
    recording_problem: Text = Field("", description="why nothing can be recorded; empty while it can")
    motion_score: float = Field(0, ge=0, le=1, description="share of the analysed picture that moves")
    analysis: Analysis = Field(Analysis.NONE, description="how motion is searched")
    analysis_stream: str = Field("", max_length=16, description="the stream it is searched in: main or sub")
    analysis_reason: Text = Field("", description="why every frame is decoded; empty when it is not so")
    analysis_device: str = Field("", max_length=16, description="what decodes for it: software, cuda, …")
    sub_online: bool = Field(False, description="the sub stream sends pictures, so tiles may ask for it")
    findings: list[Text] = Field(default_factory=list, max_length=20)
    privacy: bool = Field(False, description="switched on: there is no connection to the camera")
    detection_on: bool = Field(True, description="false: motion is not told, by command")
    recording_on: bool = Field(True, description="false: nothing is recorded, by command")


class CameraOnline(Fact):
    TYPE: ClassVar[str] = "camera.online"
    camera_id: Identifier
    offline_s: float = Field(0, ge=0, description="how long it had been away")


class CameraOffline(Fact):
    TYPE: ClassVar[str] = "camera.offline"
    camera_id: Identifier
    reason: Text


class MotionStarted(Fact):
    """Motion confirmed. `ts_ms` is the onset: the first frame in which it was seen."""

    TYPE: ClassVar[str] = "motion.started"
    camera_id: Identifier
    motion_id: Uuid
    score: float = Field(ge=0, le=1)
    area_px: int = Field(ge=0, description="largest moving area, in pixels of resolution_motion")
    boxes: list[Box] = Field(default_factory=list, max_length=32)
    zones: list[str] = Field(default_factory=list, max_length=32)
    picture_id: Uuid | None = Field(None, description="the thumbnail sent with it")
    recording_id: Uuid | None = None


class MotionEnded(Fact):
    TYPE: ClassVar[str] = "motion.ended"
    camera_id: Identifier
    motion_id: Uuid
    started_ms: TimestampMs
    peak_score: float = Field(ge=0, le=1)
    mean_score: float = Field(0, ge=0, le=1, description="of all looks while it lasted")
    curve: list[Annotated[float, Field(ge=0, le=1)]] = Field(
        default_factory=list, max_length=120, description="largest score of each step from the onset on"
    )
    curve_step_s: float = Field(1, gt=0)


class PictureTaken(Fact):
    """A picture lies sealed in `incoming/<camera>/<picture_id>.vge`."""

    TYPE: ClassVar[str] = "picture.taken"
    camera_id: Identifier
    picture_id: Uuid
    kind: PictureKind
    cause_id: Uuid | None = Field(None, description="the motion it shows")
    width_px: int = Field(ge=1)
    height_px: int = Field(ge=1)
    size_bytes: int = Field(ge=1)


class RecordingOpened(Fact):
    """A recording grows in `incoming/<camera>/<recording_id>.vge`; `ts_ms` is its first frame."""

    TYPE: ClassVar[str] = "recording.opened"
    camera_id: Identifier
    recording_id: Uuid
    stream_id: Uuid = Field(description="one connection to the camera; timestamps are continuous within it")
    trigger: Trigger
    cause_id: Uuid | None = None
    codec: str = Field(max_length=32)
    width_px: int = Field(ge=0)
    height_px: int = Field(ge=0)
    audio_codec: str = Field("", max_length=32)
    encrypted: bool = True


class RecordingFinished(Fact):
    TYPE: ClassVar[str] = "recording.finished"
    camera_id: Identifier
    recording_id: Uuid
    started_ms: TimestampMs
    ended_ms: TimestampMs
    size_bytes: int = Field(ge=0, description="of the file as it lies on disk")
    reason: Text = Field(description="motion over, split, camera lost, stopping, …")


class RecordingGap(Fact):
    """Seconds that should have been recorded and were not."""

    TYPE: ClassVar[str] = "recording.gap"
    camera_id: Identifier
    from_ms: TimestampMs
    to_ms: TimestampMs
    reason: Text
    recording_id: Uuid | None = None


class LiveStream(StrEnum):
    """What can be watched of a camera. The first two are copies, the rest is made only while somebody watches."""

    MAIN = "main"
    SUB = "sub"
    H264 = "h264"
    """For browsers that cannot play H.265."""
    REMOTE = "remote"
    """The profile of `[remote]`."""
    JPEG = "jpeg"
    """Single pictures, for browsers that can play nothing else."""


class LiveLease(Message):
    """Command: keep sending live parts for `lease_s` from now; the first one brings init and GOP."""

    stream: LiveStream = LiveStream.MAIN
    lease_s: float = Field(6, gt=0, le=30)
    fresh: bool = Field(
        False, description="a new viewer: send the init segment and the GOP in the ring again"
    )


class TuneLease(Message):
    """Command: for `lease_s` from now decode every picture and tell what the motion detector sees in it."""

    lease_s: float = Field(6, gt=0, le=30)


class RecordAction(StrEnum):
    START = "start"
    STOP = "stop"


class RecordCommand(Message):
    """Command: record from now on, pre- and post-roll included, or let what this sender ordered end. The reply's
    `data` is `{recording_id, until_ms}`; its code is `waiting` while the camera sends no pictures."""

    action: RecordAction
    duration_s: float = Field(60, gt=0, le=3600, description="a longer order of the same sender stays")
    cause_id: Uuid | None = Field(None, description="the event that a rule records")
    user: str = Field("", max_length=64, description="who pressed the button")


class CameraSwitchName(StrEnum):
    RECORDING = "recording"
    DETECTION = "detection"
    PRIVACY = "privacy"
    """On: no connection to the camera, so nothing is recorded, searched, shown or kept in memory."""


class CameraSwitch(Message):
    """Command: switch recording or detection of a camera on or off, or its privacy. Kept over restarts; the reply's
    `data` is `{privacy, detection_on, recording_on}`.
    """

    switch: CameraSwitchName
    on: bool
    user: str = Field("", max_length=80, description="who asked, as the sender knows them")


class FindCameras(Message):
    """Command: ask the network for ONVIF cameras. The reply's `data` is `{cameras, toml}`: what each offers, and blocks
    for `vigilar.toml`; no address in it holds a password."""

    user: str = Field("", max_length=64)
    password: str = Field("", max_length=128, repr=False)
    host: str = Field(
        "", pattern=r"^[A-Za-z0-9.-]{0,253}$", description="ask this one alone; empty: the network"
    )
    taken_ids: list[Identifier] = Field(
        default_factory=list, max_length=256, description="not to be proposed"
    )


class TryCamera(Message):
    """Command: connect to an address once. The reply's `data` is `{usable, codec, width_px, height_px, fps, gop_s,
    bitrate_kbps, audio, transport, tries, picture}`; `picture` is a JPEG in base64, empty when none could be decoded."""

    url: str = Field(min_length=8, max_length=2048, repr=False, description="with its login")


class TakeSnapshot(Message):
    """Command: send a picture of now. The reply's `data` is `{picture_id, taken_ms}`; the JPEG itself comes as a
    picture message of kind snapshot with that id."""

    max_width_px: int = Field(1280, ge=64, le=1920)
