"""Real film, real keys, and files made of them."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import av
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from vigilar_common.crypto.keys import KeyRing
from vigilar_common.crypto.vge import FileKind, FinishedFile, VgeWriter
from vigilar_common.fmp4 import FragmentIndex
from vigilar_common.testing.fakes import FakeClock

CREATED_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
FPS = 10

STREAM = UUID("0190f000-0000-7000-8000-0000000000aa")


@dataclass
class Keys:
    storage: X25519PrivateKey
    recovery: X25519PrivateKey
    master: bytes
    ring: KeyRing


@pytest.fixture(scope="session")
def keys() -> Keys:
    ring = KeyRing()
    storage, master = X25519PrivateKey.generate(), os.urandom(32)
    ring.add_private(storage)
    ring.add_master(master)
    return Keys(storage, X25519PrivateKey.generate(), master, ring)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class _Sink(io.RawIOBase):
    """Takes what the muxer writes, as a recorder does: append only, no seeking."""

    def __init__(self) -> None:
        super().__init__()
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.data += bytes(data)
        return len(data)


def make_film(seconds: int, movflags: str = "frag_keyframe", audio: bool = False) -> bytes:
    """A small noisy H.264 film as fragmented MP4, one keyframe each second."""
    sink = _Sink()
    flags = f"{movflags}+empty_moov+default_base_moof+skip_trailer"
    rng = np.random.default_rng(7)
    with av.open(sink, "w", format="mp4", options={"movflags": flags}) as container:
        video = container.add_stream(
            "libx264", rate=FPS, options={"g": str(FPS), "bf": "0", "preset": "ultrafast"}
        )
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        sound = container.add_stream("aac", rate=8000, layout="mono") if audio else None
        for number in range(seconds * FPS):
            picture = rng.integers(0, 256, (64, 96, 3), dtype=np.uint8)
            for packet in video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
            if sound is not None:
                samples = np.zeros((1, 800), dtype=np.float32)
                frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
                frame.sample_rate, frame.pts = 8000, number * 800
                container.mux(sound.encode(frame))
        container.mux(video.encode())
        if sound is not None:
            container.mux(sound.encode())
    return bytes(sink.data)


@pytest.fixture(scope="session")
def film() -> bytes:
    return make_film(6)


def frames_of(data: bytes) -> int:
    """How many pictures a player gets out of ``data``."""
    with av.open(io.BytesIO(data), "r", format="mp4") as container:
        return sum(1 for _ in container.decode(video=0))


MakeVge = Callable[..., FinishedFile]


@pytest.fixture
def new_writer(tmp_path: Path, keys: Keys, clock: FakeClock) -> Callable[..., VgeWriter]:
    """An open writer; suite 2 unless ``suite=1``."""
    count = 0

    def build(name: str = "a.vge", suite: int = 2, **over: Any) -> VgeWriter:
        nonlocal count
        count += 1
        how: dict[str, Any] = (
            {"master_key": keys.master}
            if suite == 1
            else {"recipients": [keys.storage.public_key(), keys.recovery.public_key()]}
        )
        how |= {
            "stream_uuid": STREAM,
            "file_uuid": UUID(int=count),
            "created_ms": CREATED_MS,
            "kind": FileKind.RECORDING,
            "camera_id": "front",
            "clock": clock,
        }
        return VgeWriter(tmp_path / name, **(how | over))

    return build


@pytest.fixture
def make_vge(new_writer: Callable[..., VgeWriter]) -> MakeVge:
    """A finished file; film content is indexed as the recorder does it."""

    def build(data: bytes, name: str = "a.vge", **over: Any) -> FinishedFile:
        writer = new_writer(name, **over)
        writer.write(data)
        if writer.kind.is_mp4 and data[4:8] == b"ftyp":
            index = FragmentIndex()
            index.feed(data)
            for part in index.fragments:
                writer.note_fragment(part.time_ms, part.offset, part.duration_ms, part.keyframe)
        return writer.finish({"trigger": "motion"})

    return build
