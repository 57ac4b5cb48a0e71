"""Recordings that grow in real time as a worker writes them, and the ways to what arrived off-site."""

from __future__ import annotations

import io
import threading
from functools import cache
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import av
import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from vigilar_camera_worker.adapters.files import Incoming, SealedRecording
from vigilar_common.clock import SystemClock, uuid7
from vigilar_common.crypto.keys import KeyRing, write_private_key
from vigilar_common.fmp4 import FragmentIndex

CLOCK = SystemClock()
FRAGMENT_S = 0.5
FPS = 10


@cache
def film(seconds: int) -> bytes:
    """H.264 as fragmented MP4, two fragments a second, noise of some 0.5 Mbit/s."""
    sink = io.BytesIO()
    flags = {"movflags": "frag_keyframe+empty_moov+default_base_moof+skip_trailer"}
    rng = np.random.default_rng(5)
    with av.open(sink, "w", format="mp4", options=flags) as container:
        video = container.add_stream(
            "libx264", rate=FPS, options={"g": "5", "bf": "0", "preset": "ultrafast", "sc_threshold": "0"}
        )
        video.width, video.height, video.pix_fmt = 128, 96, "yuv420p"
        for _ in range(seconds * FPS):
            picture = rng.integers(0, 256, (96, 128, 3), dtype=np.uint8)
            for packet in video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        container.mux(video.encode())
    return sink.getvalue()


def pieces(data: bytes) -> list[bytes]:
    """The init segment with the first fragment, then each fragment."""
    index = FragmentIndex()
    index.feed(data)
    cuts = [0, *(fragment.offset for fragment in index.fragments[1:]), len(data)]
    return [data[start:end] for start, end in pairwise(cuts)]


class House:
    """Keys and recordings of a house without its services."""

    def __init__(self, root: Path, storage: X25519PrivateKey | None = None) -> None:
        self.root = root
        self.storage, self.owner = storage or X25519PrivateKey.generate(), X25519PrivateKey.generate()
        self.key_file = root.parent / "recovery_private.pem"
        write_private_key(self.key_file, self.owner)

    @property
    def ring(self) -> KeyRing:
        ring = KeyRing()
        ring.add_private(self.storage)
        return ring

    def begin(
        self, camera_id: str = "front", created_ms: int | None = None, *, owner: bool = True
    ) -> tuple[str, SealedRecording]:
        folder = self.root / "incoming" / camera_id
        folder.mkdir(parents=True, exist_ok=True)
        keys = (self.storage.public_key(), *((self.owner.public_key(),) if owner else ()))
        recording_id = uuid7(CLOCK)
        file = Incoming(folder, camera_id, True, keys, CLOCK).recording(
            recording_id, str(uuid4()), CLOCK.now_ms() if created_ms is None else created_ms
        )
        assert isinstance(file, SealedRecording)
        return recording_id, file

    def record(self, data: bytes, camera_id: str = "front", *, owner: bool = True) -> str:
        """A finished recording in incoming."""
        recording_id, file = self.begin(camera_id, owner=owner)
        feed(file, data)
        finish(file)
        return recording_id

    def path(self, recording_id: str, camera_id: str = "front") -> Path:
        return self.root / "incoming" / camera_id / f"{recording_id}.vge"


def feed(file: SealedRecording, data: bytes, index: FragmentIndex | None = None) -> None:
    """As the worker's writer does: whole fragments, then what is older than the newest is closed and synced."""
    index = index or FragmentIndex()
    known = len(index.fragments)
    base = file.position - index.whole_length
    file.write(data)
    index.feed(data)
    for fragment in index.fragments[known:]:
        file.note_fragment(fragment.time_ms, fragment.offset + base, fragment.duration_ms, fragment.keyframe)
    file.flush_older(index.fragments[-1].size if index.fragments else 0)
    file.sync()


def finish(file: SealedRecording) -> int:
    return file.complete({"codec": "avc1", "trigger": "motion"})


class Growing:
    """A camera that records in real time, until it is stopped (and finishes) or cut off."""

    def __init__(self, house: House, data: bytes, camera_id: str = "front") -> None:
        self.recording_id, self._file = house.begin(camera_id)
        self.camera_id, self._data = camera_id, pieces(data)
        self.started_ms = CLOCK.now_ms()
        self._end = threading.Event()
        self._whole = True
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        index, started_s = FragmentIndex(), CLOCK.monotonic_s()
        for number, data in enumerate(self._data, 1):
            # A fragment is whole when its last frame has come.
            if CLOCK.wait(self._end, max(0.0, started_s + number * FRAGMENT_S - CLOCK.monotonic_s())):
                break
            feed(self._file, data, index)
        if self._whole:
            finish(self._file)
        else:
            self._file.close()

    def stop(self) -> str:
        """The camera's motion is over."""
        self._end.set()
        self._thread.join(10)
        return self.recording_id

    def cut_off(self) -> int:
        """The machine is gone: nothing more is written. When that was, UTC ms."""
        self._whole = False
        now_ms = CLOCK.now_ms()
        self.stop()
        return now_ms


def frames(path: Path) -> tuple[int, float]:
    """How many pictures a player gets out of it, and the seconds from the first to the end of the last."""
    with av.open(str(path)) as container:
        times = [float(frame.time or 0) for frame in container.decode(video=0)]
    return len(times), (times[-1] - times[0] + 1 / FPS) if times else 0.0
