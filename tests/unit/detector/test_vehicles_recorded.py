"""`vigilar vehicles calibrate --event`, `--recording`: what is fetched from storage, what is looked at, and what is refused."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tiny_models
from tiny_models import logit
from vehicle_pictures import painted, street
from vigilar_common.config.load import assemble
from vigilar_common.config.slices import apply
from vigilar_common.errors import StorageRefusedError
from vigilar_common.testing import FakeStorage
from vigilar_detector import cli
from vigilar_detector.adapters.vehicle_files import read_samples
from vigilar_detector.past import MAX_BYTES, Past
from vigilar_models.errors import ModelError

EVENT, WHOLE, RECORDING = (f"01970000-0000-7000-8000-00000000000{number}" for number in (1, 2, 3))
START_MS = 1_750_000_000_000
BOX = {"x": 0.25, "y": 0.28, "w": 0.5, "h": 0.4}
CONFIG = """
[[cameras]]
id = "drive"
display_name = "Drive"
rtsp_url = "rtsp://192.0.2.1/"
[[vehicles.known]]
name = "Red one"
"""


def event(**over: Any) -> dict[str, Any]:
    row = {
        "id": WHOLE, "camera_id": "drive", "started_ms": START_MS, "ended_ms": START_MS + 8_000, "picture_id": None,
        "detail": {"object_class": "car", "box": BOX}, "end_detail": None,
    }  # fmt: skip
    return row | over


def film_of(data: bytes, init: int = 100) -> dict[str, Any]:
    half = init + (len(data) - init) // 2
    segments = [[START_MS, 0, 1000, init, half - init], [START_MS + 1000, 1000, 1000, half, len(data) - half]]
    return {"recording_id": RECORDING, "init_bytes": init, "segments": segments}


@pytest.fixture(name="storage")
def _storage() -> FakeStorage:
    storage = FakeStorage()
    data = bytes(range(256)) * 8
    storage.answers = {
        f"/v1/events/{EVENT}": event(id=EVENT, detail={"object_class": "car", "object_event_id": WHOLE}),
        f"/v1/events/{WHOLE}": event(picture_id="p1", end_detail={"box": {**BOX, "x": 0.3}}),
        "/v1/cameras/drive/film": {"films": [film_of(data)]},
        f"/v1/recordings/{RECORDING}/content": data,
        "/v1/pictures/p1": b"jpeg",
        f"/v1/recordings/{RECORDING}": {
            "camera_id": "drive",
            "started_ms": START_MS,
            "ended_ms": START_MS + 30_000,
        },
    }
    return storage


def test_an_arrival_is_looked_at_as_the_object_that_it_was(storage: FakeStorage) -> None:
    past, bar = Past(storage), list[tuple[str, int, int]]()
    span = past.of_event(EVENT)
    assert (span.camera_id, span.to_ms - START_MS, [box.x for box in span.boxes]) == (
        "drive",
        8_000,
        [0.25, 0.3],
    )
    with past.sources(span, lambda *step: bar.append(step)) as (film, picture):
        assert film.path is not None
        assert film.path.read_bytes() == storage.answers[f"/v1/recordings/{RECORDING}/content"]
        assert (film.boxes, picture.jpeg, picture.boxes) == (span.boxes, b"jpeg", ())
        held = film.path
    assert not held.exists()
    assert bar[-1][1:] == (2048, 2048)


def test_a_part_of_a_recording_is_chosen_by_its_seconds(storage: FakeStorage) -> None:
    span = Past(storage).of_recording(RECORDING, 10.0, 12.5)
    assert (span.from_ms - START_MS, span.to_ms - START_MS, span.boxes) == (10_000, 12_500, ())
    assert Past(storage).of_recording(RECORDING, 0.0, None).to_ms - START_MS == 60_000


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({f"/v1/events/{WHOLE}": event(detail={"object_class": "person"})}, "shows a person, no vehicle"),
        ({f"/v1/events/{WHOLE}": event(detail={})}, "shows no object, no vehicle"),
        ({"/v1/cameras/drive/film": {"films": []}, f"/v1/events/{WHOLE}": event()}, "nothing that camera drive recorded"),
        ({"/v1/cameras/drive/film": {"films": [film_of(b"x" * (MAX_BYTES + 200))]}}, "256 MB are too much at once"),
        ({f"/v1/recordings/{RECORDING}/content": b"short"}, "storage sent 5 of 100 bytes"),
        ({"/v1/pictures/p1": lambda _: _refuse()}, "picture cannot be had: storage answered 404"),
        ({f"/v1/events/{WHOLE}": []}, "storage sent no object"),
    ],
)  # fmt: skip
def test_what_cannot_be_looked_at_is_refused_with_its_reason(
    storage: FakeStorage, change: dict[str, Any], reason: str
) -> None:
    storage.answers |= change
    past = Past(storage)
    with (
        pytest.raises(ModelError, match=re.escape(reason)),
        past.sources(past.of_event(WHOLE), lambda *_: None),
    ):
        pass


def _refuse() -> bytes:
    raise StorageRefusedError("storage answered 404 to GET: not_found")


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ((0.0, 61.0), "at most 60 s"),
        ((5.0, 5.0), "at most 60 s"),
        ((31.0, None), "lasts 30 s; --from 31 is behind it"),
    ],
)
def test_a_part_that_is_none_is_refused(
    storage: FakeStorage, part: tuple[float, float | None], reason: str
) -> None:
    with pytest.raises(ModelError, match=reason):
        Past(storage).of_recording(RECORDING, *part)


def test_a_storage_that_is_down_is_named_with_the_question_whether_it_runs(storage: FakeStorage) -> None:
    storage.down = True
    with pytest.raises(ModelError, match=f"event {EVENT} cannot be looked up, is Vigilar running"):
        Past(storage).of_event(EVENT)


@pytest.fixture(name="house")
def _house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A detector's folders, a model that sees two cars, and a storage that has an event with one picture."""
    found = np.array([[(0.5, 0.48, 0.5, 0.4), (0.85, 0.85, 0.28, 0.28), (0, 0, 0, 0)]], np.float32)
    logits = np.full((1, 3, 3), logit(0.01), np.float32)
    logits[0, :2, 1] = logit(0.9)
    model = tiny_models.onnx({"dets": found, "labels": logits}, size=(320, 320))
    tiny_models.install(tmp_path / "models", model, input={"width_px": 320, "height_px": 320})
    apply(assemble(tmp_path / "vigilar.toml", CONFIG, {}), tmp_path / "config-run")
    jpeg = cv2.imencode(".jpg", painted(street(), "red")[0:150, 72:222])[1].tobytes()
    answers: dict[str, Any] = {
        f"/v1/events/{WHOLE}": event(picture_id="p1"), "/v1/cameras/drive/film": {"films": []}, "/v1/pictures/p1": jpeg,
    }  # fmt: skip

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            import json

            answer = answers.get(self.path.partition("?")[0])
            data = (
                answer
                if isinstance(answer, bytes)
                else json.dumps(answer or {"error": {"code": "not_found", "message": "no"}}).encode()
            )
            self.send_response(200 if answer else 404)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 as in the base class
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "storage_token").write_text("of the detector")
    for name, value in {
        "MODELS_DIR": tmp_path / "models", "STATE_DIR": tmp_path / "state", "CONFIG_RUN": tmp_path / "config-run",
        "SECRETS_DIR": tmp_path / "secrets", "STORAGE_URL": f"http://127.0.0.1:{server.server_address[1]}",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"VIGILAR_{name}", str(value))
    yield tmp_path
    server.shutdown()
    server.server_close()


def test_an_event_is_enough_and_the_running_detector_needs_no_restart(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["vehicles", "calibrate", "Red one", "--event", WHOLE]) == 0
    out = capsys.readouterr().out
    assert "Red one: 1 of 1 frames measured, 1 looks kept" in out
    assert "without a restart" in out
    (file,) = (house / "state" / "vehicles").glob("*.json")
    assert len(read_samples(file)) == 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("Red one", "--event", EVENT), f"event {EVENT} cannot be had"), (("--event", WHOLE), "name a vehicle"),
        (("Red one", "x.png", "--from", "3"), "--from and --to choose a part of a --recording"),
        (("--camera", "drive", "--event", WHOLE), "0 standing persons were seen whole"),
    ],
)  # fmt: skip
def test_errors_name_what_is_wrong(
    house: Path, words: tuple[str, ...], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["vehicles", "calibrate", *words]) == 1
    assert reason in capsys.readouterr().err
    assert not (house / "state" / "vehicles").exists()
