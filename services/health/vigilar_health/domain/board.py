"""What health knows at one moment. The checks read it; nothing here decides."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from vigilar_common.config import Config
from vigilar_common.messages.alerts import AlertDelivery, PushInfo
from vigilar_common.messages.camera import CameraState, RecordingGap
from vigilar_common.messages.system import DiskUsage, FactsDropped, Heartbeat, LedgerAnchor

CORE_SERVICES = ("storage", "events", "alerts", "health", "web")
"""They run in every installation; others are expected once they were heard."""
CAMERA_PREFIX = "camera-worker-"
REMEMBERED = 200
START_GRACE_S = 15.0
"""While everything starts, nothing is missing yet: the first findings about others come after this time."""


@dataclass(frozen=True)
class Heard:
    """A message and the monotonic second it came."""

    beat: Heartbeat
    at_s: float
    not_ready_since_s: float | None = None
    """Of the first of its heartbeats in a row that said so; None when it is ready."""


@dataclass(frozen=True)
class Forecast:
    """What storage expects of the partition that holds the recordings."""

    days_until_critical: float | None
    """None: never, retention keeps pace, or nothing is known yet."""
    bytes_per_day: int
    prunable_bytes: int
    """Of unstarred recordings, which pruning may delete."""


@dataclass
class Usage:
    """Storage's answer to the last `GET /v1/usage`."""

    disks: dict[str, DiskUsage] = field(default_factory=dict)
    at_s: float | None = None
    """Monotonic second of the last good answer; None: never."""
    problem: str = "not asked yet"
    """Why the last question got no answer; empty when it did."""
    forecast: Forecast | None = None


@dataclass
class Board:
    """Times are monotonic seconds unless their name says otherwise."""

    config: Config
    started_s: float
    now_s: float = 0.0
    now_ms: int = 0
    beats: dict[str, Heard] = field(default_factory=dict)
    since_s: dict[str, float] = field(default_factory=dict)
    """When a camera that came later was added."""
    camera_states: dict[str, CameraState] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    broker_connected: bool = False
    broker_lost_at_s: float | None = None
    """Since when it is not connected; None while it is."""
    round_trip_ms: float | None = None
    round_trip_at_s: float | None = None
    push: PushInfo | None = None
    ledger: LedgerAnchor | None = None
    """The newest checkpoint that storage told of."""
    clock_jump_ms: int = 0
    clock_jump_at_s: float | None = None
    dropped: deque[tuple[float, FactsDropped]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    gaps: deque[tuple[float, RecordingGap]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    refused_config: str = ""
    """Why the newest vigilar.toml or settings.toml was not taken over; empty when it was."""
    deliveries: deque[tuple[float, AlertDelivery]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    @property
    def starting(self) -> bool:
        return self.now_s - self.started_s < START_GRACE_S

    def expected(self) -> set[str]:
        """Every process that should be sending heartbeats."""
        cameras = {CAMERA_PREFIX + camera.id for camera in self.config.cameras if camera.enabled}
        heard = {name for name in self.beats if not name.startswith(CAMERA_PREFIX)}
        return set(CORE_SERVICES) | cameras | heard

    def silent_s(self, service: str) -> float:
        """Seconds since its last heartbeat; when there was none, since health started or the camera was added."""
        heard = self.beats.get(service)
        return self.now_s - (heard.at_s if heard else self.since_s.get(service, self.started_s))

    def camera_name(self, camera_id: str) -> str:
        camera = self.config.camera(camera_id)
        return camera.display_name if camera else camera_id

    def enabled_cameras(self) -> list[str]:
        return [camera.id for camera in self.config.cameras if camera.enabled]
