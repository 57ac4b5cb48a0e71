"""The search for motion in one stream: which packets are decoded, how, and what is made of the pictures.

While nothing moves, a sparse chain of pictures (``domain/chain_*.py``) is decoded, about ``idle_fps`` a second, and a
cheap trigger looks at them. On suspicion the GOP is decoded cleanly from its keyframe and the motion detector looks at
its last second; while motion goes on, everything that is needed is decoded cleanly. Streams that cannot be decoded
sparsely are decoded cleanly all the time. Belongs to one thread; knows nothing of threads.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from vigilar_common.config import Camera
from vigilar_common.messages.camera import Analysis

from vigilar_camera_worker.adapters.decoder import Decoder, Picture
from vigilar_camera_worker.adapters.detector import MotionDetector
from vigilar_camera_worker.adapters.fmp4 import StreamFormat
from vigilar_camera_worker.adapters.hardware import Hardware
from vigilar_camera_worker.domain.bits import NalError, UnsupportedError
from vigilar_camera_worker.domain.fitness import Chain, Fitness
from vigilar_camera_worker.domain.governor import DecodePlan, FpsGovernor
from vigilar_camera_worker.domain.motion import Ended, MotionMachine, Started
from vigilar_camera_worker.domain.nal import parameter_sets
from vigilar_camera_worker.domain.packets import Packet
from vigilar_camera_worker.search_parts import (
    Gop,
    MainPictures,
    MotionListener,
    Onlooker,
    Waiting,
    chain_for,
    trigger_for,
)

log = logging.getLogger(__name__)

KEY_EVERY_S: Final = 13.0
"""Sparse chains run on over keyframes, which are dear; after this long the next one cleans the picture."""
LOOK_BACK_S: Final = 1.2
"""So far before the suspicion the detector looks: two looks of the trigger, and what it needs to confirm."""
LINGER_S: Final = 0.4
"""After a suspicion that the catch-up did not show, this much more is decoded before it is dropped."""
LINGER_AGAIN_S: Final = 1.2
"""The same where another suspicion was dropped just before: small and slow objects show now and then."""
AGAIN_S: Final = 2.0


class MotionSearch:
    """``begin``, then ``packet`` for each video packet in order, ``interrupt`` when the stream ends."""

    def __init__(
        self,
        camera: Camera,
        detector: MotionDetector,
        listener: MotionListener,
        on_method: Callable[[Analysis, str, str, str], None] = lambda *_: None,
    ) -> None:
        self._detector, self._listener, self._on_method = detector, listener, on_method
        self._trigger = trigger_for(camera, detector)
        self.onlooker: Onlooker | None = None
        self.objects_followed: Callable[[], bool] = lambda: False
        """While it is true every picture of a motion is decoded: one look per GOP loses who walks by."""
        self._watching = False
        """Since the last keyframe every picture is decoded, because somebody looks on."""
        self._hardware = Hardware(camera.hardware_decode)
        self._governor = FpsGovernor(camera.idle_fps, camera.motion_fps)
        self._machine = MotionMachine()
        self._decoder: Decoder | None = None
        self._main: MainPictures | None = None
        self._clean = True
        self._chain: Chain | None = None
        self._plan = DecodePlan()
        self._gop = Gop()
        self._waiting = Waiting()
        self.on_suspicion: Callable[[], None] = lambda: None
        """From now on every packet is needed."""
        self.counters = {
            "frames_decoded": 0,
            "frames_sparse": 0,
            "frames_analysed": 0,
            "frames_damaged": 0,
            "suspicions": 0,
            "suspicions_dropped": 0,
        }

    @property
    def rejections(self) -> dict[str, int]:
        """How often what changed was no motion, by reason."""
        return self._detector.rejections

    def retune(self, camera: Camera) -> None:
        """Another sensitivity, least area or other zones, from the next picture on."""
        self._detector = MotionDetector(camera, self._detector.counter)
        self._trigger = trigger_for(camera, self._detector)

    @property
    def wake_s(self) -> float:
        """Media time before which no packet needs to be looked at, keyframes excepted."""
        if self._clean:
            return self._plan.goes_on_s if self._machine.moving else 0.0
        if self._chain is not None and self._chain.building():
            return 0.0
        return self._governor.next_due_s(active=False)

    @property
    def quiet(self) -> bool:
        return not self._clean or self._machine.moving

    def needless_s(self, time_s: float) -> float:
        """From any thread: how long nothing is looked at after the packet at this media time, as far as one knows.
        ``on_suspicion`` tells when that was wrong."""
        left_s = self.wake_s - time_s
        if left_s <= 0 and self._decoder is not None and not self._clean:
            left_s = self._governor.idle_interval_s  # the packet is about to be looked at
        return left_s

    def begin(self, wanted: StreamFormat, main: MainPictures | None = None) -> None:
        """``main``: ``wanted`` is the sub stream; pictures and times that are told are those of the main stream."""
        self._end_motion()
        self._main = main
        self._format = wanted
        self._plan = DecodePlan()
        self._detector.restart()
        self._trigger.restart()
        self._chain, reason = chain_for(wanted)
        self._fitness = Fitness(self._chain, reason)
        self._sparse = False
        self._clean = True
        self._hits = 0
        self._confirmed = False
        self._linger_s, self._dropped_s = 0.0, -AGAIN_S
        self._cleaned_s = 0.0
        self._gop.clear()
        self._waiting.clear()
        self._sets = wanted.parameter_sets
        self._decoder = Decoder(wanted, hardware=self._hardware)
        self._tell_method()

    def interrupt(self) -> None:
        self._end_motion()
        if self._decoder is not None:
            self._on_method(Analysis.NONE, "", "", "")
        self._decoder = None
        self._gop.clear()
        self._waiting.clear()

    def glance(self, key: Packet, wanted: StreamFormat) -> bool:
        """Decode one keyframe of a stream that is not searched and tell of it; False when it does not come out."""
        pictures = Decoder(wanted, in_order=True).feed(key)
        for picture in pictures:
            self._listener.picture_decoded(wanted.stream_id, picture)
        return bool(pictures)

    def packet(self, packet: Packet) -> None:
        if self._decoder is None:
            return
        self._fitness.take(packet, inspect=not self._sparse)
        self._remember(packet)
        if packet.key:
            self._hits = 0
            self._watching = self.onlooker is not None and self.onlooker.wanted
            self._choose()
        elif self._sparse and self._fitness.reason:
            self._leave_sparse()
        hurried = self._machine.moving and not (self._watching or self.objects_followed())
        wanted = self._plan.wanted(packet.time_s, packet.key, hurried, self._hits)
        if self._clean:
            if wanted:
                self._decode_needed(self._decoder, packet)
        else:
            self._watch(self._decoder, packet)

    # -- which way ----------------------------------------------------------------------------------

    def _choose(self) -> None:
        """At each keyframe, where a way may end and another begin."""
        sparse = not self._fitness.reason
        if sparse != self._sparse:
            self._sparse = sparse
            self._decoder = Decoder(self._format, in_order=sparse, hardware=self._hardware)
            self._clean = not sparse
            self._cleaned_s = 0.0
            self._waiting.clear()
            self._tell_method()
        elif sparse and self._clean and not self._needed:
            self._clean = False
            self._cleaned_s = 0.0

    def _leave_sparse(self) -> None:
        """Not at a keyframe: what was decoded is smeared, the GOP is needed from its beginning."""
        self._sparse = False
        self._decoder = Decoder(self._format, hardware=self._hardware)
        self._plan = DecodePlan()
        self._clean = True
        self._tell_method()
        for earlier in self._gop.packets[:-1]:
            self._feed(self._decoder, earlier, self._governor)

    def _tell_method(self) -> None:
        reason = self._fitness.reason
        if self._hardware.problem:
            reason = f"{reason}; hardware does not decode ({self._hardware.problem})".removeprefix("; ")
        stream = "main" if self._main is None else "sub"
        how = "sparse decoding" if self._sparse else "every frame is decoded"
        log.info("motion is searched in the %s stream, %s%s", stream, how, f" ({reason})" if reason else "")
        self._on_method(
            Analysis.SPARSE if self._sparse else Analysis.FULL, stream, reason, self._hardware.device
        )

    def _remember(self, packet: Packet) -> None:
        if packet.key:
            self._gop.clear()
        elif not self._gop.packets:
            return
        self._gop.add(packet)
        if self._gop.full:
            self._gop.clear()
            if self._sparse:
                self._fitness.fault(packet.time_s, "a GOP is too large")

    # -- sparse -------------------------------------------------------------------------------------

    def _watch(self, decoder: Decoder, packet: Packet) -> None:
        assert self._chain is not None
        try:
            if packet.key:
                self._watch_key(decoder, self._chain, packet)
            elif self._chain.building() or packet.time_s >= self._governor.next_due_s(active=False) - 0.001:
                self._watch_next(decoder, self._chain, packet)
        except UnsupportedError as error:
            self._fitness.refuse(str(error))
        except NalError as error:
            self._damaged(packet, str(error))

    def _watch_key(self, decoder: Decoder, chain: Chain, packet: Packet) -> None:
        sets = parameter_sets(packet.data, self._format.codec)
        renewed = bool(sets) and sets != self._sets
        if renewed:
            chain.take_sets(sets)
            self._sets = sets
        recent = self._cleaned_s and packet.time_s - self._cleaned_s < KEY_EVERY_S
        if not renewed and recent and not self._watching:
            return
        decoder.restart()
        pictures = decoder.feed(packet)
        if not pictures:
            self._damaged(packet, "a keyframe does not come out")
            return
        chain.key(packet.data)
        self._cleaned_s = packet.time_s
        self._seen_clean(decoder, pictures[-1])
        self._governor.due(packet.time_s, active=True)
        suspicious = self._trigger.observe(pictures[-1].luma(), packet.time_s)
        self._analyse(pictures[-1])
        if suspicious or self._machine.active:
            self._suspect(packet)
        self._clean = self._clean or self._watching

    def _watch_next(self, decoder: Decoder, chain: Chain, packet: Packet) -> None:
        if not self._cleaned_s:
            return  # a chain begins with a keyframe
        data = chain.follow(packet.data)
        if data is None:
            return
        pictures = decoder.feed(packet, data)
        self.counters["frames_sparse"] += 1
        if not pictures:
            self._damaged(packet, "a picture does not come out")
            return
        self._fitness.worked()
        if not self._governor.due(packet.time_s, active=False):
            return
        # Held any longer it would make the decoder take room for a third picture, and keep it.
        if self._trigger.observe(pictures.pop().luma(), packet.time_s):
            self._catch_up(decoder, packet)

    def _catch_up(self, decoder: Decoder, packet: Packet) -> None:
        """Decode the GOP cleanly up to ``packet``, and show its end to the detector."""
        if not self._gop.packets:
            return
        decoder.restart()
        from_s = packet.time_s - LOOK_BACK_S
        self._suspect(packet)
        self._governor.restart()
        for earlier in self._gop.packets:
            self._feed(decoder, earlier, self._governor if earlier.time_s >= from_s else None)
        self._cleaned_s = packet.time_s

    def _suspect(self, packet: Packet) -> None:
        """From here on everything is decoded, until it turns out that nothing moves (any more)."""
        self.counters["suspicions"] += 1
        self._clean, self._confirmed = True, False
        self.on_suspicion()
        again = packet.time_s - self._dropped_s < AGAIN_S
        self._linger_s = packet.time_s + (LINGER_AGAIN_S if again else LINGER_S)

    def _damaged(self, packet: Packet, reason: str) -> None:
        self.counters["frames_damaged"] += 1
        self._cleaned_s = 0.0
        self._fitness.fault(packet.time_s, reason)

    # -- clean --------------------------------------------------------------------------------------

    def _decode_needed(self, decoder: Decoder, packet: Packet) -> None:
        """Everything but what cannot matter any more before the next keyframe."""
        if packet.key:
            self._waiting.clear()  # nothing from here on refers to it
        elif not self._sparse and self._may_wait(packet):
            self._waiting.add(packet)
            return
        waiting = self._waiting.take()
        for due in (*waiting, packet):
            self._feed(decoder, due, self._governor)
        if self._sparse and not packet.key and not self._needed and packet.time_s >= self._linger_s:
            self._drop_suspicion(packet)

    def _drop_suspicion(self, packet: Packet) -> None:
        """Nothing (more) moves: the chain goes on from what is decoded cleanly so far."""
        assert self._chain is not None
        try:
            self._chain.resume(packet.data)
        except UnsupportedError as error:
            self._fitness.refuse(str(error))
            return
        except NalError as error:
            self._damaged(packet, str(error))
        self._clean = False
        if not self._confirmed:
            # What was confirmed is no part of the scene, and what was not is no motion.
            self._trigger.forgive()
            self._dropped_s = packet.time_s
            self.counters["suspicions_dropped"] += 1

    @property
    def _needed(self) -> bool:
        """Every picture is."""
        return self._machine.active or self._watching

    def _may_wait(self, packet: Packet) -> bool:
        """While nothing moves, what comes after the last frame that is looked at before a keyframe."""
        return (
            not self._needed
            and not self._waiting.full
            and self._plan.can_wait(packet.time_s, self._governor.next_due_s(active=False))
        )

    def _feed(self, decoder: Decoder, packet: Packet, governor: FpsGovernor | None) -> None:
        """``governor`` None: decode, but show the picture to nobody."""
        errors = decoder.errors
        for picture in decoder.feed(packet):
            self._seen_clean(decoder, picture)
            suspect = self._sparse and not self._machine.moving
            if governor is not None and governor.due(picture.time_s, self._needed, suspect=suspect):
                self._analyse(picture)
        if decoder.errors != errors:
            self.counters["frames_damaged"] += decoder.errors - errors
            self._plan.distrust()

    def _seen_clean(self, decoder: Decoder, picture: Picture) -> None:
        self.counters["frames_decoded"] += 1
        if self._main is None:
            self._listener.picture_decoded(decoder.stream_id, picture)

    def _analyse(self, picture: Picture) -> None:
        self.counters["frames_analysed"] += 1
        seen = self._detector.observe(picture.luma(), picture.time_s, picture.wall_ms)
        result = self._machine.observe(seen)
        self._hits += seen.hit and seen.followed
        if self._watching and self.onlooker is not None:
            self.onlooker.looked(seen, self._detector, self._machine.phase)
        if log.isEnabledFor(logging.DEBUG) and seen.score > 0:
            log.debug("motion score %.4f, area %d px, %s", seen.score, seen.area_px, self._machine.phase)
        self._listener.observed(seen, picture)
        if isinstance(result, Started):
            self._confirmed = True
            self._tell_started(result, picture)
        elif isinstance(result, Ended):
            self._tell_ended(result)

    def _tell_started(self, started: Started, picture: Picture) -> None:
        if self._main is not None:
            onset_s = self._main.time_s(started.onset_ms)
            started = replace(started, onset_s=started.onset_s if onset_s is None else onset_s)
            picture = self._main.picture(picture.wall_ms) or picture
        self._listener.motion_started(started, picture)

    def _tell_ended(self, ended: Ended) -> None:
        if self._main is not None:
            last_s = self._main.time_s(ended.last_ms)
            ended = replace(ended, last_s=ended.last_s if last_s is None else last_s)
        self._listener.motion_ended(ended)

    def _end_motion(self) -> None:
        ended = self._machine.interrupt()
        if ended is not None:
            self._tell_ended(ended)
