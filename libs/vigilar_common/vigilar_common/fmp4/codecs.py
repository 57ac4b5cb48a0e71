"""Codec strings (RFC 6381) from sample entries, as Media Source Extensions want them."""

from __future__ import annotations

from typing import Final

from vigilar_common.fmp4.boxes import Fmp4Error, children

_VISUAL_ENTRY_BYTES: Final = 78  # fields of a VisualSampleEntry before its boxes
_AUDIO_ENTRY_BYTES: Final = 28
_ES_DESCRIPTOR: Final = 3
_DECODER_CONFIG: Final = 4
_DECODER_SPECIFIC: Final = 5


def codec_string(entry: bytes, body: memoryview, depth: int) -> str:
    """For example ``avc1.64001f``, ``hvc1.1.6.L93.B0``, ``av01.0.04M.08``, ``mp4a.40.2``, ``opus``. Raises Fmp4Error."""
    name = entry.decode("latin-1")
    if entry in (b"avc1", b"avc3"):
        config = _config(body, _VISUAL_ENTRY_BYTES, b"avcC", name, depth)
        if len(config) < 4:
            raise Fmp4Error(f"avcC: cut short ({len(config)} bytes)")
        return f"{name}.{bytes(config[1:4]).hex()}"
    if entry in (b"hvc1", b"hev1"):
        return _hevc(name, _config(body, _VISUAL_ENTRY_BYTES, b"hvcC", name, depth))
    if entry == b"mp4a":
        return _mp4a(_config(body, _AUDIO_ENTRY_BYTES, b"esds", name, depth))
    if entry == b"av01":
        return _av1(name, _config(body, _VISUAL_ENTRY_BYTES, b"av1C", name, depth))
    if entry in (b"Opus", b"fLaC"):
        return name.lower()
    if not name.isalnum() or not name.isascii():
        raise Fmp4Error(f"stsd: sample entry {name!r} is no codec")
    return name


def _config(body: memoryview, at: int, wanted: bytes, entry: str, depth: int) -> memoryview:
    for name, inner in children(body[at:], entry, depth):
        if name == wanted:
            return inner
    raise Fmp4Error(f"{entry}: has no {wanted.decode()} box")


def _hevc(name: str, config: memoryview) -> str:
    if len(config) < 13:
        raise Fmp4Error(f"hvcC: cut short ({len(config)} bytes)")
    space = ("", "A", "B", "C")[config[1] >> 6]
    tier = "H" if config[1] & 0x20 else "L"
    flags = int.from_bytes(config[2:6], "big")
    reversed_flags = int(f"{flags:032b}"[::-1], 2)
    constraints = bytes(config[6:12]).rstrip(b"\0")
    parts = [name, f"{space}{config[1] & 0x1F}", f"{reversed_flags:X}", f"{tier}{config[12]}"]
    return ".".join(parts + [f"{byte:X}" for byte in constraints])


def _av1(name: str, config: memoryview) -> str:
    """``av01.0.04M.08``: profile, level and tier, bit depth."""
    if len(config) < 4:
        raise Fmp4Error(f"av1C: cut short ({len(config)} bytes)")
    high, twelve = config[2] & 0x40, config[2] & 0x20
    depth_bits = 12 if twelve else 10 if high else 8
    tier = "H" if config[2] & 0x80 else "M"
    return f"{name}.{config[1] >> 5}.{config[1] & 0x1F:02d}{tier}.{depth_bits:02d}"


def _mp4a(body: memoryview) -> str:
    """``esds`` (ISO/IEC 14496-14): object type and, for AAC, the audio object type."""
    tag, inner = _descriptor(body[4:])
    if tag != _ES_DESCRIPTOR or len(inner) < 3:
        raise Fmp4Error("esds: holds no ES descriptor")
    flags = inner[2]
    at = 3 + (2 if flags & 0x80 else 0) + (2 if flags & 0x20 else 0)
    if flags & 0x40 and at < len(inner):
        at += 1 + inner[at]
    tag, config = _descriptor(inner[at:])
    if tag != _DECODER_CONFIG or len(config) < 13:
        raise Fmp4Error("esds: holds no decoder configuration")
    object_type = config[0]
    if object_type != 0x40:
        return f"mp4a.{object_type:02x}"
    tag, specific = _descriptor(config[13:])
    if tag != _DECODER_SPECIFIC or len(specific) < 2:
        raise Fmp4Error("esds: AAC without its specific configuration")
    audio_type = specific[0] >> 3
    if audio_type == 31:
        audio_type = 32 + ((specific[0] & 7) << 3 | specific[1] >> 5)
    return f"mp4a.40.{audio_type}"


def _descriptor(body: memoryview) -> tuple[int, memoryview]:
    """Tag and payload of an MPEG-4 descriptor; its length takes up to four bytes of seven bits."""
    length = 0
    for at in range(1, 5):
        if at >= len(body):
            break
        length = length << 7 | body[at] & 0x7F
        if not body[at] & 0x80:
            if at + 1 + length > len(body):
                break
            return body[0], body[at + 1 : at + 1 + length]
    raise Fmp4Error("esds: a descriptor is cut short")
