"""Finding cameras by ONVIF, against a device of ours that is modelled on the specifications, and hostile ones."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import camera_media as media
import pytest
from odd_camera import Listener, describe, odd_camera
from onvif_camera import ENVELOPE, OnvifCamera, onvif_camera
from vigilar_camera_worker import cli
from vigilar_camera_worker.domain import onvif
from vigilar_camera_worker.domain.onvif import Login, OnvifError, Profile, main_and_sub
from vigilar_camera_worker.find import Camera, find, snippet, with_login
from vigilar_common.clock import SystemClock
from vigilar_common.config import Camera as CameraSection

LOGIN = Login("admin", "onvif-secret")
SECRET = "onvif-secret"


def one(device: OnvifCamera, login: Login | None = LOGIN) -> Camera:
    (found,) = find(SystemClock(), listen_s=0.6, hosts=["127.0.0.1"], login=login, port=device.port)
    return found


def test_main_and_sub_stream_are_found_though_the_devices_clock_is_wrong() -> None:
    with onvif_camera() as device:
        camera = one(device)
        assert "GetStreamUri" in device.asked
    assert camera.problem == ""
    assert camera.name == "Acme Dome 1 b"
    assert camera.main is not None
    assert camera.sub is not None
    assert (camera.main.profile.width_px, camera.sub.profile.width_px) == (2560, 640)
    told = camera.to_json()
    assert told["main"] == {
        "url": "rtsp://127.0.0.1:554/main?channel=1",
        "codec": "h264",
        "width_px": 2560,
        "height_px": 1440,
        "fps": 15.0,
        "gop_s": 2.0,
        "audio": "AAC",
    }


def test_the_blocks_are_a_configuration_that_can_be_used() -> None:
    with onvif_camera() as device:
        camera = one(device)
    parsed = tomllib.loads(snippet([camera, camera], Login("admin", "p@ss/wörd")))
    first, second = (CameraSection.model_validate(block) for block in parsed["cameras"])
    assert first.id == "acme-dome-1-b"
    assert second.id == "acme-dome-1-b-2"
    assert first.rtsp_url == "rtsp://admin:p%40ss%2Fw%C3%B6rd@127.0.0.1:554/main?channel=1"
    assert first.detect_url.endswith("/sub?channel=1")
    assert first.resolution_capture == (2560, 1440)
    assert "USER:PASSWORD@" in snippet([camera], None)
    assert SECRET not in snippet([camera], None)


def test_a_wrong_password_and_a_missing_login_are_told_apart() -> None:
    with onvif_camera() as device:
        wrong, missing = one(device, Login("admin", "bad")), one(device, None)
    assert "refuses user or password" in wrong.problem
    assert wrong.needs_login
    assert "wants a user and a password" in missing.problem


def test_a_device_cannot_make_us_ask_another_host() -> None:
    other = Listener()
    elsewhere = f"http://localhost:{other.port}/x"
    with onvif_camera(service=elsewhere) as device:
        assert find(SystemClock(), listen_s=0.4, hosts=["127.0.0.1"], port=device.port) == []
    with onvif_camera(media=elsewhere) as device:
        assert "no media service of its own" in one(device).problem
    with onvif_camera(raw={"GetCapabilities": b""}, status=302, media=elsewhere) as device:
        assert "nobody is followed" in one(device).problem
    with onvif_camera(stream="rtsp://10.1.2.3/x") as device:
        assert one(device).main is None
    other.stop()
    assert other.heard == []


BOMB = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (BOMB, "defines entities"),
        (OUTSIDE, "defines entities"),
        (b"<a>" * 50_000, "no XML"),
        (b"\xff\xfe\x00garbage", "no XML"),
        (b"", "and nothing else"),
        (b"x" * 400_000, "more than"),
        (ENVELOPE.format(body="<trt:x/>").encode(), "no media service"),
    ],
)
def test_odd_answers_are_an_error_of_that_device_alone(answer: bytes, words: str) -> None:
    with onvif_camera(raw={"GetCapabilities": answer}) as device:
        assert words in one(device).problem


@pytest.mark.parametrize("answer", [BOMB, OUTSIDE, b"\0" * 60_000, b"<x>", b""])
def test_odd_answers_to_the_probe_are_passed_over(answer: bytes) -> None:
    with onvif_camera(probe_answer=answer) as device:
        assert find(SystemClock(), listen_s=0.4, hosts=["127.0.0.1"], port=device.port) == []


def test_a_deeply_nested_answer_is_refused() -> None:
    with pytest.raises(OnvifError):
        onvif.parse(b"<x>" * 80_000 + b"</x>" * 1)


def test_main_and_sub_are_chosen_by_size() -> None:
    def profile(codec: str, width: int, height: int) -> Profile:
        return Profile(f"{codec}{width}", codec, width, height, 10)

    main, sub = main_and_sub(
        [profile("mjpeg", 4000, 3000), profile("hevc", 1920, 1080), profile("h264", 1280, 720)]
    )
    assert main is not None
    assert main.codec == "hevc"
    assert sub is not None
    assert sub.width_px == 1280
    assert main_and_sub([profile("mjpeg", 640, 480)]) == (None, None)
    assert main_and_sub([profile("h264", 640, 480), profile("h264", 640, 400)])[1] is None


def test_addresses_lose_the_login_they_came_with() -> None:
    url = "rtsp://root:pw@10.0.0.9:8554/a?password=pw&subtype=1&user=root"
    assert with_login(url, None) == "rtsp://10.0.0.9:8554/a?subtype=1"
    assert with_login(url, None, placeholder=True) == "rtsp://USER:PASSWORD@10.0.0.9:8554/a?subtype=1"


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    try:
        code = cli.main(list(words))
    except SystemExit as error:
        code = int(str(error.code))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_discover_prints_blocks_and_keeps_the_password(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIGILAR_ONVIF_PASSWORD", SECRET)
    with onvif_camera() as device:
        words = (
            "discover",
            "--timeout",
            "0.6",
            "--host",
            "127.0.0.1",
            "--port",
            str(device.port),
            "--user",
            "admin",
        )
        code, out, err = run(capsys, *words)
        assert (code, err) == (0, "")
        assert "# 127.0.0.1  Acme Dome 1 b  h264 2560×1440" in out
        assert tomllib.loads(out)["cameras"][0]["rtsp_url"].startswith("rtsp://USER:PASSWORD@")
        assert SECRET not in out
        _, out, _ = run(capsys, *words, "--with-password")
        assert f"admin:{SECRET}@" in out
        code, out, _ = run(capsys, *words, "--json")
        told: dict[str, Any] = json.loads(out)
        assert told["cameras"][0]["main"]["codec"] == "h264"
        assert SECRET not in out


def test_nothing_found_is_a_failure_with_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "discover", "--timeout", "0.5", "--host", "127.0.0.1", "--port", "9")
    assert (code, out) == (1, "")
    assert "no camera answered" in err
    assert run(capsys, "discover", "--timeout", "99")[0] == 2
    assert run(capsys, "discover", "--interface", "203.0.113.1")[0] == 1


def test_probe_says_what_an_address_sends(capsys: pytest.CaptureFixture[str]) -> None:
    units = media.access_units()
    frames = lambda: ((data, 0.02) for data, _ in units)  # noqa: E731
    with odd_camera(sdp=describe("h264", units[0][0]), frames=frames) as camera:
        code, out, _ = run(capsys, "probe", camera.url, "--seconds", "1", "--json")
        told = json.loads(out)
        assert code == 0
        assert (told["codec"], told["width_px"], told["height_px"], told["transport"]) == (
            "h264",
            320,
            240,
            "tcp",
        )
        assert 20 < told["fps"] < 70
        assert 0.1 <= told["gop_s"] <= 0.5
        code, out, _ = run(capsys, "probe", camera.url, "--seconds", "0.5")
        assert "h264 320×240" in out


def test_probe_says_why_not_and_keeps_the_password(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "probe", f"rtsp://u:{SECRET}@127.0.0.1:9/x")
    assert code == 1
    assert "connection refused" in err
    assert SECRET not in out + err
    assert run(capsys, "probe", "file:///etc/passwd")[0] == 2
