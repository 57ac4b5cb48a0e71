"""`vigilar vehicles`: measuring vehicles and views in pictures and films, and what is refused with which reason."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import tiny_models
from tiny_models import logit
from vehicle_pictures import U8, infrared, lit, painted, street
from vigilar_common.config.load import assemble
from vigilar_common.config.slices import apply
from vigilar_detector import cli
from vigilar_detector.adapters.vehicle_files import read_samples, read_views
from vigilar_detector.calibrating import MAX_SIDE_PX

CONFIG = """
[detection]
person_detection = true
[[cameras]]
id = "drive"
display_name = "Drive"
rtsp_url = "rtsp://192.0.2.1/"
[[vehicles.known]]
name = "Red one"
color_profile = "red"
calibration_file = "red.json"
[[vehicles.known]]
name = "van"
"""


def answer(object_class: int, *boxes: tuple[float, float, float, float]) -> bytes:
    found = np.zeros((1, len(boxes) + 1, 4), np.float32)
    found[0, : len(boxes)] = boxes
    logits = np.full((1, len(boxes) + 1, 3), logit(0.01), np.float32)
    logits[0, : len(boxes), object_class] = logit(0.9)
    return tiny_models.onnx({"dets": found, "labels": logits}, size=(320, 320))


CAR_IN_THE_MIDDLE = answer(1, (0.5, 0.48, 0.5, 0.4))


class House:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "vigilar.toml").write_text(CONFIG)
        apply(assemble(folder / "vigilar.toml", CONFIG, {}), folder / "config-run")
        self.model(CAR_IN_THE_MIDDLE)

    def model(self, data: bytes) -> None:
        tiny_models.install(self.folder / "models", data, input={"width_px": 320, "height_px": 320})

    def picture(self, name: str, picture: U8) -> str:
        path = self.folder / name
        cv2.imwrite(str(path), picture)
        return str(path)

    def van(self, name: str, colour: str = "red", gain: float = 1.0) -> str:
        return self.picture(name, lit(painted(street(), colour), gain)[0:150, 72:222])

    @property
    def learnt(self) -> Path:
        return self.folder / "state" / "vehicles"


@pytest.fixture(name="house")
def _house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("VIGILAR_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("VIGILAR_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("VIGILAR_CONFIG_RUN", str(tmp_path / "config-run"))
    return House(tmp_path)


def run(*words: str) -> int:
    return cli.main(["vehicles", *words])


def test_a_vehicle_is_measured_in_pictures_and_films_and_forgotten(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = [house.van(f"{number}.png", gain=gain) for number, gain in enumerate((1.0, 0.6, 0.4))]
    film = cv2.VideoWriter(str(house.folder / "film.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (150, 150))
    frame = cv2.imread(pictures[0])
    assert frame is not None
    for _ in range(20):
        film.write(frame)
    film.release()
    assert run("calibrate", "Red one", *pictures, str(house.folder / "film.avi")) == 0
    assert "7 of 7 frames measured, 7 looks kept" in capsys.readouterr().out
    assert len(read_samples(house.learnt / "red.json")) == 7
    assert run("calibrate", "Red one", pictures[0]) == 0
    assert len(read_samples(house.learnt / "red.json")) == 8
    assert run("calibrate", "--anew", "Red one", pictures[0]) == 0
    assert len(read_samples(house.learnt / "red.json")) == 1
    assert run("list") == 0
    out = capsys.readouterr().out
    assert "Red one" in out
    assert "1 looks" in out
    assert "never shown" in out
    assert run("forget", "Red one") == 0
    assert read_samples(house.learnt / "red.json") == ()


@pytest.mark.slow
def test_two_vehicles_of_one_colour_are_told_of(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("calibrate", "Red one", house.van("a.png")) == 0
    assert run("calibrate", "van", house.van("b.png", gain=0.7)) == 0
    assert "cannot be told apart by colour" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("Blue one", "x.png"), 'no vehicle "Blue one" in [[vehicles.known]]; known are "Red one", "van"'),
        (("Red one",), "name pictures, films or folders"), (("Red one", "nowhere.png"), "nowhere.png: there is no such file"),
        (("Red one", "vigilar.toml"), "is no picture (.jpg, .png) and no film"), (("Red one", "empty"), "holds no picture"),
        (("Red one", "torn.jpg"), "torn.jpg: is no JPEG"), (("Red one", "torn.png"), "torn.png: is no PNG"),
        (("Red one", "giant.jpg"), "60000×60000 pixels are too many"), (("Red one", "torn.avi"), "cannot be read as a film"),
        (("--camera", "garden", "night.png"), 'no camera "garden"'),
        (("Red one", "night.png"), "was not measured in any of 1 frames: the picture has no colours (1)"),
        (("--camera", "drive", "night.png"), "0 standing persons were seen whole, at least 8 are needed"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_with_its_reason_and_nothing_is_written(
    house: House,
    words: tuple[str, ...],
    reason: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(house.folder)
    (house.folder / "empty").mkdir()
    for name in ("torn.jpg", "torn.png", "torn.avi"):
        (house.folder / name).write_bytes(b"no picture")
    (house.folder / "giant.jpg").write_bytes(tiny_models.claimed_size(tiny_models.jpeg(), 60000, 60000))
    house.picture("night.png", infrared(street())[0:150, 72:222])
    assert MAX_SIDE_PX < 60000
    assert run("calibrate", *words) == 1
    assert reason in capsys.readouterr().err
    assert not house.learnt.exists()


@pytest.mark.slow
def test_of_several_vehicles_none_is_taken(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.model(answer(1, (0.3, 0.48, 0.3, 0.4), (0.75, 0.48, 0.3, 0.4)))
    assert run("calibrate", "van", house.van("a.png")) == 1
    assert "several vehicles were seen (1)" in capsys.readouterr().err


def test_a_view_is_measured_by_the_people_in_it(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    people = []
    for number in range(9):
        foot = 0.4 + 0.06 * number
        high = 1.7 * (0.5 * foot - 0.05)
        people.append((0.1 + 0.08 * number, foot - high / 2, 0.06, high))
    house.model(answer(0, *people))
    assert run("calibrate", "--camera", "drive", house.van("walk.png")) == 0
    assert "drive: measured by 9 looks at people in 1 frames" in capsys.readouterr().out
    assert read_views(house.learnt)["drive"].metre(0.7) == pytest.approx(0.3, rel=0.05)


def test_a_model_that_is_missing_is_named(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VIGILAR_MODELS_DIR", str(house.folder / "none"))
    assert run("calibrate", "van", house.van("a.png")) == 1
    assert "is not installed" in capsys.readouterr().err
