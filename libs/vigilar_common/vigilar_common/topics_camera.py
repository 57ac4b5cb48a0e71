"""What a camera says and is told. A part of the table in `vigilar_common.topics`."""

from __future__ import annotations

from vigilar_common.messages import camera, objects
from vigilar_common.topic import Kind, Topic, command, fact

_CAMERA = "vigilar/camera/{camera_id}"

CAMERA_STATE = Topic(
    f"{_CAMERA}/state",
    Kind.STATE,
    camera.CameraState,
    ("camera-worker",),
    ("events", "health", "homeassistant", "web", "home_automation"),
    "The truth about one camera now.",
)
CAMERA_ONLINE = fact(
    f"{_CAMERA}/online", camera.CameraOnline, "camera-worker", ("events", "web"), "Frames arrive again."
)
CAMERA_OFFLINE = fact(
    f"{_CAMERA}/offline",
    camera.CameraOffline,
    "camera-worker",
    ("events", "web"),
    "Frames no longer arrive, and why.",
)
MOTION_STARTED = fact(
    f"{_CAMERA}/motion/started",
    camera.MotionStarted,
    "camera-worker",
    ("events", "web", "detector", "home_automation"),
    "Motion confirmed; its time is the onset.",
)
MOTION_ENDED = fact(
    f"{_CAMERA}/motion/ended",
    camera.MotionEnded,
    "camera-worker",
    ("events", "web", "detector", "home_automation"),
    "Nothing has moved for the quiet time.",
)
PICTURE_TAKEN = fact(
    f"{_CAMERA}/picture/taken",
    camera.PictureTaken,
    "camera-worker",
    ("storage", "web"),
    "A sealed picture lies in incoming.",
)
RECORDING_OPENED = fact(
    f"{_CAMERA}/recording/opened",
    camera.RecordingOpened,
    "camera-worker",
    ("storage", "web", "events", "offsite"),
    "A recording grows.",
)
RECORDING_FINISHED = fact(
    f"{_CAMERA}/recording/finished",
    camera.RecordingFinished,
    "camera-worker",
    ("storage", "web"),
    "A recording is whole.",
)
RECORDING_GAP = fact(
    f"{_CAMERA}/recording/gap",
    camera.RecordingGap,
    "camera-worker",
    ("storage", "web", "health"),
    "Seconds that are missing, and why.",
)
PICTURE = Topic(
    f"{_CAMERA}/picture",
    Kind.FRAME,
    None,
    ("camera-worker",),
    ("alerts", "homeassistant", "web", "home_automation"),
    "JPEG; user properties kind (thumbnail|snapshot|object), picture_id, cause_id, ts_ms, width_px, height_px.",
    262_144,
)
CAMERA_OBJECTS = Topic(
    f"{_CAMERA}/objects",
    Kind.STATE,
    objects.CameraObjects,
    ("camera-worker",),
    ("homeassistant", "web", "home_automation"),
    "What a camera sees now: how many of each class, in which zones; empty while `person_detection` is off.",
)
LIVE = Topic(
    f"{_CAMERA}/live/{{stream}}",
    Kind.FRAME,
    None,
    ("camera-worker",),
    ("web",),
    "Fragmented MP4 (stream jpeg: one JPEG each); user properties kind (init|part), seq, key (0|1), codec. Only while leased.",
    8_388_608,
)
TUNE = Topic(
    f"{_CAMERA}/tune",
    Kind.FRAME,
    None,
    ("camera-worker",),
    ("web",),
    "JSON: one look of the motion detector (score, boxes, masks, why not); user properties seq, ts_ms. Only while leased.",
    32_768,
)
CMD_LIVE = command(
    "camera/{camera_id}/live", camera.LiveLease, ("web",), "camera-worker", "Renew the lease on live parts."
)
CMD_RECORD = command(
    "camera/{camera_id}/record",
    camera.RecordCommand,
    ("web", "events", "pets"),
    "camera-worker",
    "Record now, for a time, or stop; each sender has one order per camera.",
)
CMD_FIND_CAMERAS = command(
    "scout/find",
    camera.FindCameras,
    ("web",),
    "scout",
    "Ask the network for cameras, one search at a time.",
    16_384,
)
CMD_TRY_CAMERA = command(
    "scout/try",
    camera.TryCamera,
    ("web",),
    "scout",
    "Connect to an address, say what it sends and show a picture of it; one at a time.",
    4_096,
)
CMD_SNAPSHOT = command(
    "camera/{camera_id}/snapshot",
    camera.TakeSnapshot,
    ("web", "homeassistant", "events"),
    "camera-worker",
    "Send a picture of now; at most one a second is made.",
)
CMD_TUNE = command(
    "camera/{camera_id}/tune",
    camera.TuneLease,
    ("web",),
    "camera-worker",
    "Renew the lease on what the motion detector sees.",
)
CMD_MARK = command(
    "camera/{camera_id}/mark",
    objects.MarkObject,
    ("web",),
    "camera-worker",
    "Say that an object is, or is not, what it was taken for; the camera learns from it.",
)
