"""Sound that MP4 or browsers cannot take, into AAC: G.711, G.722, G.726, L16 and Opus.

Costs about 0.4 CPU seconds a stream-minute at 8 kHz, so it is done only in what is being recorded or watched.
"""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from vigilar_camera_worker.domain.packets import TICKS_PER_S, Packet

if TYPE_CHECKING:
    from vigilar_camera_worker.adapters.stream import AudioTrack

log = logging.getLogger(__name__)

COPIED: Final = ("aac",)
TRANSCODED: Final = (
    "pcm_alaw",
    "pcm_mulaw",
    "adpcm_g722",
    "adpcm_g726",
    "adpcm_g726le",
    "pcm_s16be",
    "opus",
)
RATES_HZ: Final = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
"""What AAC knows, in the order of its index."""
MAX_CHANNELS: Final = 2
MAX_OFF_S: Final = 0.03
"""Sound that is further from its timestamp is moved there, by silence or by leaving some of it out."""
MAX_SILENCE_S: Final = 10.0
"""After a longer hole the track begins anew."""
MAX_PACKET_BYTES: Final = 64 * 1024
_G726: Final = {"adpcm_g726": "g726", "adpcm_g726le": "g726le"}


@dataclass(frozen=True)
class Sound:
    """One AAC frame; times in ticks of the connection."""

    data: bytes
    pts: int
    duration: int


def usable(codec: str, sample_rate_hz: int, channels: int) -> bool:
    """Whether sound of this kind can be made into AAC."""
    return codec in TRANSCODED and sample_rate_hz in RATES_HZ and 1 <= channels <= MAX_CHANNELS


def set_up(codec: str, sample_rate_hz: int, bit_rate: int | None) -> bytes:
    """`AudioTrack.config` of a codec that has no set-up data of its own: G.726 has 2 to 5 bits per sample."""
    if codec not in _G726:
        return b""
    bits = round((bit_rate or 0) / sample_rate_hz)
    return bytes((bits if 2 <= bits <= 5 else 4,))


class SoundEncoder:
    """One track of one file. Used by one thread. ``config`` is the AudioSpecificConfig of what comes out."""

    def __init__(self, track: AudioTrack) -> None:
        import av

        self._track, self._rate = track, track.sample_rate_hz
        self._layout = "mono" if track.channels == 1 else "stereo"
        self._keep: Any = None
        self._decoder = self._make_decoder()
        self._resampler = av.AudioResampler(format="fltp", layout=self._layout, rate=self._rate)
        self._encoder = self._make_encoder()
        self.config: bytes = self._encoder.extradata or b""
        self._origin: int | None = None
        self._fed = 0
        self._rest: NDArray[np.float32] = np.zeros((track.channels, 0), np.float32)
        self.errors = 0
        """Packets that could not be decoded."""

    def _make_decoder(self) -> Any:
        import av

        if self._track.codec in _G726:
            # Its number of bits per sample can be set from here only by way of a file format.
            options = {"code_size": str(self._track.config[0]), "sample_rate": str(self._rate)}
            self._keep = av.open(io.BytesIO(bytes(4096)), format=_G726[self._track.codec], options=options)
            return self._keep.streams.audio[0].codec_context
        decoder: Any = av.CodecContext.create(self._track.codec, "r")
        decoder.sample_rate, decoder.layout = self._rate, self._layout
        return decoder

    def _make_encoder(self) -> Any:
        import av

        encoder: Any = av.CodecContext.create("aac", "w")
        encoder.sample_rate, encoder.layout, encoder.format = self._rate, self._layout, "fltp"
        encoder.time_base = Fraction(1, self._rate)
        encoder.bit_rate = min(3 * self._rate, 96_000) * self._track.channels
        encoder.open()
        return encoder

    def feed(self, packet: Packet) -> list[Sound]:
        """What became complete."""
        import av

        if len(packet.data) > MAX_PACKET_BYTES:
            self.errors += 1
            return []
        try:
            samples = self._decode(packet.data)
        except av.FFmpegError:
            self.errors += 1
            return []
        return self._place(samples, packet.pts)

    def close(self) -> list[Sound]:
        """The rest, with silence up to a whole frame."""
        left = self._rest.shape[1]
        if self._origin is None:
            return []
        found = self._encode(np.zeros((self._track.channels, 1024 - left), np.float32)) if left else []
        return found + self._told(self._encoder.encode(None))

    def _decode(self, data: bytes) -> NDArray[np.float32]:
        import av

        pieces = [
            piece.to_ndarray()
            for frame in self._decoder.decode(av.Packet(data))
            for piece in self._resampler.resample(frame)
        ]
        return np.concatenate(pieces, axis=1) if pieces else self._rest[:, :0]

    def _place(self, samples: NDArray[np.float32], pts: int) -> list[Sound]:
        """Put the samples where their timestamp says."""
        if self._origin is None:
            self._origin, self._fed = pts, 0
        expected = self._origin + self._fed * TICKS_PER_S // self._rate
        off_s = (pts - expected) / TICKS_PER_S
        found: list[Sound] = []
        if off_s > MAX_SILENCE_S:
            found = self.close()
            self._encoder = self._make_encoder()
            self._origin, self._fed, self._rest = pts, 0, self._rest[:, :0]
        elif off_s > MAX_OFF_S:
            silence = np.zeros((self._track.channels, round(off_s * self._rate)), np.float32)
            found = self._encode(silence)
        elif off_s < -MAX_OFF_S:
            samples = samples[:, min(samples.shape[1], round(-off_s * self._rate)) :]
        return found + self._encode(samples)

    def _encode(self, samples: NDArray[np.float32]) -> list[Sound]:
        import av

        self._rest = np.concatenate((self._rest, samples), axis=1)
        first = self._fed - (self._rest.shape[1] - samples.shape[1])
        self._fed += samples.shape[1]
        packets = []
        whole = self._rest.shape[1] // 1024 * 1024
        for at in range(0, whole, 1024):
            piece = np.ascontiguousarray(self._rest[:, at : at + 1024])
            frame: Any = av.AudioFrame.from_ndarray(piece, format="fltp", layout=self._layout)
            frame.sample_rate, frame.pts, frame.time_base = self._rate, first + at, Fraction(1, self._rate)
            packets += self._encoder.encode(frame)
        self._rest = self._rest[:, whole:]
        return self._told(packets)

    def _told(self, packets: list[Any]) -> list[Sound]:
        """The encoder begins before the first sample with its run-in, which nobody needs to hear."""
        assert self._origin is not None
        ticks = TICKS_PER_S / self._rate
        return [
            Sound(bytes(packet), self._origin + round(packet.pts * ticks), round(1024 * ticks))
            for packet in packets
            if packet.pts is not None and packet.pts >= 0
        ]
