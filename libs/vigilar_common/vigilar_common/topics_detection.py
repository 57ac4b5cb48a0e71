"""Between camera workers and the detector: crops, answers, the lease. A part of the table in `vigilar_common.topics`."""

from __future__ import annotations

from vigilar_common.messages import detection
from vigilar_common.topic import Kind, Topic

CROP = Topic(
    "vigilar/camera/{camera_id}/crop",
    Kind.FRAME,
    None,
    ("camera-worker",),
    ("detector",),
    "JPEG of a part of a picture, 640 px a side at most; properties crop_id, ts_ms. While leased, two unanswered at most.",
    262_144,
)
CROP_SEEN = Topic(
    "vigilar/camera/{camera_id}/crop/seen",
    Kind.FRAME,
    detection.CropSeen,
    ("detector",),
    ("camera-worker",),
    "What is in a crop, or why nobody looked at it.",
    32_768,
)
DETECTOR_LEASE = Topic(
    "vigilar/detector/lease",
    Kind.FRAME,
    detection.DetectorLease,
    ("detector",),
    ("camera-worker",),
    "Every 4 s while crops are looked at: workers may send them.",
    1_024,
)
TRACK_CROP = Topic(
    "vigilar/camera/{camera_id}/track/crop",
    Kind.FRAME,
    None,
    ("camera-worker",),
    ("pets", "visitors"),
    "JPEG of a followed object, out of the main stream's picture, 1024 px a side at most; properties track_id, kind, class, "
    "ts_ms, box and area (`x,y,w,h` in parts of the picture: the object, and what is shown), score. Only while leased.",
    262_144,
)
PETS_LEASE = Topic(
    "vigilar/pets/lease",
    Kind.FRAME,
    detection.TrackLease,
    ("pets",),
    ("camera-worker",),
    "Every 4 s while animals are told apart: workers may send pictures of what they follow.",
    8_192,
)
VISITORS_LEASE = Topic(
    "vigilar/visitors/lease",
    Kind.FRAME,
    detection.TrackLease,
    ("visitors",),
    ("camera-worker",),
    "Every 4 s while faces are told apart: workers may send pictures of what they follow.",
    8_192,
)
DETECTOR_STATE = Topic(
    "vigilar/detector/state",
    Kind.STATE,
    detection.DetectorState,
    ("detector",),
    ("health", "homeassistant", "web", "home_automation"),
    "The model that looks at crops, what it runs on, and why it does not.",
    65_536,
)
