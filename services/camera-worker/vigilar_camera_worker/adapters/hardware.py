"""Decoding by a graphics card where there is one; whatever goes wrong ends in software, said once.

No machine that this was built on has such hardware: what is proven is the way back to software.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from vigilar_common.config.cameras import HardwareDecode

if TYPE_CHECKING:
    import av

log = logging.getLogger(__name__)

SOFTWARE: Final = "software"
MAX_FAULTS: Final = 3
"""Packets in a row that a device does not decode: then software does."""
MAX_SILENT: Final = 40
"""Packets without a picture or an error: devices keep some, none keeps so many."""
_AUTOMATIC: Final = (HardwareDecode.CUDA, HardwareDecode.QSV, HardwareDecode.V4L2)
_DECODERS: Final = {HardwareDecode.QSV: "qsv", HardwareDecode.V4L2: "v4l2m2m"}


class Hardware:
    """What one worker may decode with. ``open`` gives a context on the first device that takes the codec."""

    def __init__(self, wanted: HardwareDecode = HardwareDecode.NONE) -> None:
        self._devices = list(_AUTOMATIC) if wanted is HardwareDecode.AUTO else [wanted]
        if wanted is HardwareDecode.NONE:
            self._devices = []
        self.device: str = SOFTWARE
        self.problem = ""
        """Why software decodes although hardware was asked for."""

    def open(
        self, codec: str, prepare: Callable[[av.VideoCodecContext], None]
    ) -> tuple[av.VideoCodecContext, str]:
        """(context, device); ``prepare`` sets its options before it is opened."""
        import av

        while self._devices:
            device = self._devices[0]
            try:
                context = _create(codec, device)
                prepare(context)
                context.open()
            except (av.FFmpegError, ValueError, RuntimeError, NotImplementedError) as error:
                self.give_up(str(getattr(error, "strerror", None) or error))
                continue
            self.device = device.value
            return context, self.device
        context = _software(codec)
        prepare(context)
        self.device = SOFTWARE
        return context, SOFTWARE

    def give_up(self, reason: str) -> None:
        """The device in use, or the next to be tried, does not do."""
        if not self._devices:
            return
        device = self._devices.pop(0)
        self.problem = f"{device.value}: {reason}"
        log.warning("%s does not decode (%s)", device.value, reason)


def _software(codec: str) -> av.VideoCodecContext:
    import av

    context = av.CodecContext.create(codec, "r")
    assert isinstance(context, av.VideoCodecContext)
    return context


def _create(codec: str, device: HardwareDecode) -> av.VideoCodecContext:
    """Raises what PyAV raises, and ValueError when this build knows no such decoder."""
    import av
    from av.codec.hwaccel import HWAccel

    if device in _DECODERS:
        context = av.CodecContext.create(f"{codec}_{_DECODERS[device]}", "r")
        assert isinstance(context, av.VideoCodecContext)
        return context
    accelerated = av.CodecContext.create(
        codec, "r", hwaccel=HWAccel(device.value, allow_software_fallback=False)
    )
    assert isinstance(accelerated, av.VideoCodecContext)
    if not accelerated.is_hwaccel:
        raise ValueError(f"not offered for {codec} in this build")
    return accelerated
