"""Hardware that is not there, does not know the codec, or stops decoding: software takes over and says why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import camera_media as media
import pytest
from vigilar_camera_worker.adapters import hardware as module
from vigilar_camera_worker.adapters.decoder import Decoder
from vigilar_camera_worker.adapters.hardware import SOFTWARE, Hardware
from vigilar_common.config.cameras import HardwareDecode


def missing(codec: str, device: HardwareDecode) -> Any:
    raise ValueError(f"no {device.value} here")


@pytest.mark.parametrize("wanted", list(HardwareDecode))
@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_without_the_device_software_decodes_and_the_reason_is_kept(
    codec: str, wanted: HardwareDecode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_create", missing)
    hardware = Hardware(wanted)
    decoder = Decoder(media.stream_format(codec), hardware=hardware)
    assert decoder.device == SOFTWARE
    assert (hardware.problem == "") == (wanted is HardwareDecode.NONE)
    assert len([p for packet in media.video(count=12, codec=codec) for p in decoder.feed(packet)]) == 12


def test_a_device_is_tried_once_and_not_for_every_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[HardwareDecode] = []

    def create(codec: str, device: HardwareDecode) -> Any:
        tried.append(device)
        return missing(codec, device)

    monkeypatch.setattr(module, "_create", create)
    hardware = Hardware(HardwareDecode.AUTO)
    for _ in range(3):
        Decoder(media.stream_format(), hardware=hardware)
    assert tried == [HardwareDecode.CUDA, HardwareDecode.QSV, HardwareDecode.V4L2]


def test_a_device_that_opens_and_gives_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        def decode(self, packet: Any) -> list[Any]:
            return []

    decoder = Decoder(media.stream_format())
    decoder._context, decoder.device = Silent(), "qsv"  # type: ignore[assignment]
    pictures = [p for packet in media.video(count=60) for p in decoder.feed(packet)]
    assert decoder.device == SOFTWARE
    assert len(pictures) == 10, "from the next keyframe on"


def test_whatever_this_machine_offers_pictures_come_out_in_the_end() -> None:
    decoder = Decoder(media.stream_format(), hardware=Hardware(HardwareDecode.AUTO))
    assert len([p for packet in media.video(count=200) for p in decoder.feed(packet)]) >= 60


def test_a_device_that_stops_decoding_is_given_up_and_the_next_keyframe_is_decoded_by_software(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_create", lambda codec, _device: module._software(codec))
    hardware = Hardware(HardwareDecode.CUDA)
    decoder = Decoder(media.stream_format(), hardware=hardware)
    assert decoder.device == "cuda"
    packets = media.video(count=60)
    assert decoder.feed(packets[0])
    for packet in packets:
        if packet.key and decoder.device != SOFTWARE:
            decoder.feed(replace(packet, data=b"\0\0\0\1\x65\xff"))
    assert decoder.device == SOFTWARE
    assert "not decoded" in hardware.problem
    assert len([p for packet in media.video(count=10) for p in decoder.feed(packet)]) == 10
