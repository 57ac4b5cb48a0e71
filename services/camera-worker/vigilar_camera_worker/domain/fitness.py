"""Whether a stream can be decoded sparsely: learnt from its first GOPs, taken back when it proves otherwise."""

from __future__ import annotations

from typing import Final, Protocol

from vigilar_camera_worker.domain.bits import NalError, UnsupportedError
from vigilar_camera_worker.domain.chain_h264 import H264Chain
from vigilar_camera_worker.domain.chain_hevc import HevcChain
from vigilar_camera_worker.domain.packets import Packet

LONGEST_GOP_S: Final = 8.0
"""A catch-up must decode a whole GOP: with longer ones an onset would be known too late."""
PROBED_GOPS: Final = 2
MAX_FAULTS: Final = 3
"""Pictures in a row that did not come out."""
RETRY_S: Final = 600.0
"""After errors it is tried again this much later; what the stream cannot do by nature is not."""


class Chain(Protocol):
    """See ``chain_h264`` and ``chain_hevc``."""

    def take_sets(self, sets: bytes) -> None: ...
    def key(self, data: bytes) -> None: ...
    def building(self) -> bool: ...
    def fits(self, data: bytes) -> bool: ...
    def follow(self, data: bytes) -> bytes | None: ...
    def resume(self, data: bytes) -> None: ...


def new_chain(codec: str, sets: bytes) -> Chain:
    """Raises NalError when the parameter sets cannot be read, UnsupportedError for other codecs."""
    if codec not in ("h264", "hevc"):
        raise UnsupportedError(f"{codec.upper()} can only be decoded whole")
    return H264Chain(sets) if codec == "h264" else HevcChain(sets)


class Fitness:
    """Every packet of a connection goes through ``take``, in order. ``reason`` says why not; "" when it is fit."""

    def __init__(self, chain: Chain | None, reason: str = "") -> None:
        self._chain = chain
        self._for_ever = reason
        self._for_now = "" if reason else "the stream is not known yet"
        self._retry_s: float | None = None
        self._key_s: float | None = None
        self._gops = 0
        self._faults = 0

    @property
    def reason(self) -> str:
        return self._for_ever or self._for_now

    def take(self, packet: Packet, *, inspect: bool) -> None:
        """``inspect``: look into the packet too (while the stream is not known)."""
        if self._retry_s is not None and packet.time_s >= self._retry_s:
            self._probe_again()
        if packet.key:
            self._keyframe(packet)
        elif self._key_s is not None and packet.time_s - self._key_s > LONGEST_GOP_S:
            self._probe_again(f"keyframes come more than {LONGEST_GOP_S:g} s apart")
            self._key_s = None
        if inspect and not self._for_ever and self._chain is not None:
            self._inspect(self._chain, packet)

    def _keyframe(self, packet: Packet) -> None:
        if self._key_s is not None and self._retry_s is None:
            self._gops += 1
            if self._gops >= PROBED_GOPS:
                self._for_now = ""
        self._key_s = packet.time_s

    def _inspect(self, chain: Chain, packet: Packet) -> None:
        try:
            chain.key(packet.data) if packet.key else chain.fits(packet.data)
        except UnsupportedError as error:
            self.refuse(str(error))
        except NalError as error:
            self.fault(packet.time_s, str(error))

    def refuse(self, reason: str) -> None:
        """The stream can never be decoded so."""
        self._for_ever = reason

    def fault(self, time_s: float, reason: str) -> None:
        """A picture did not come out."""
        self._faults += 1
        if self._faults >= MAX_FAULTS:
            self._probe_again(f"errors ({reason})")
            self._retry_s = time_s + RETRY_S

    def worked(self) -> None:
        self._faults = 0

    def _probe_again(self, reason: str = "the stream is not known yet") -> None:
        self._for_now, self._gops, self._faults, self._retry_s = reason, 0, 0, None
