"""A recorder with real files, and what lies in them."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import camera_media as media
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from vigilar_camera_worker.adapters.files import Incoming
from vigilar_camera_worker.adapters.fmp4 import StreamFormat
from vigilar_camera_worker.domain.packets import Packet
from vigilar_camera_worker.domain.recording import Policy
from vigilar_camera_worker.domain.ring import PacketRing
from vigilar_camera_worker.recorder import Recorder
from vigilar_camera_worker.writer import Writer
from vigilar_common.crypto.keys import KeyRing
from vigilar_common.crypto.vge.reader import VgeReader
from vigilar_common.messages.camera import RecordingFinished, RecordingGap
from vigilar_common.testing import FakeClock, FakeFacts

MOTION_ID = "0198c0de-0000-7000-8000-000000000001"


@dataclass
class Bench:
    folder: Path
    encrypt: bool = True
    policy: Policy = field(default_factory=lambda: Policy(False, True, pre_s=2, post_s=3, onset_slack_s=0.5))
    clock: Any = field(default_factory=lambda: FakeClock(media.START_MS))
    private: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)

    def __post_init__(self) -> None:
        self.facts = FakeFacts(self.clock)
        self.incoming = Incoming(self.folder, "front", self.encrypt, (self.private.public_key(),), self.clock)
        self.writer = Writer(self.incoming, "front", self.facts.emit, self.clock, sync_interval_s=1)
        self.ring = PacketRing(self.policy.pre_s + 4)
        self.recorder = Recorder(self.policy, self.ring, self.writer, self.clock)
        self.writer.start()

    def begin(self, wanted: StreamFormat | None = None) -> None:
        self.recorder.stream_started(wanted or media.stream_format())

    def feed(self, packets: list[Packet]) -> None:
        for packet in packets:
            self.ring.push(packet)
            self.recorder.feed(packet)

    def finish(self) -> None:
        assert self.recorder.stop(10)

    def finished(self) -> list[RecordingFinished]:
        return self.facts.of(RecordingFinished)

    def gaps(self) -> list[RecordingGap]:
        return self.facts.of(RecordingGap)

    def content(self, recording_id: str | None) -> bytes:
        plain = self.folder / f"{recording_id}.mp4"
        if plain.exists():
            return plain.read_bytes()
        ring = KeyRing()
        ring.add_private(self.private)
        with VgeReader(self.folder / f"{recording_id}.vge", ring) as reader:
            assert reader.footer is not None
            return reader.read(0, reader.plaintext_length)


def frames(mp4: bytes) -> list[int]:
    """Which frames of the film these are, by the place of the square; every frame must decode."""
    got = []
    with av.open(io.BytesIO(mp4), mode="r") as container:
        for frame in container.decode(video=0):
            row = frame.to_ndarray(format="gray")[120]
            got.append(int((row > 160).argmax()) // 2)
    return got
