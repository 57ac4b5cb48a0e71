"""What a seek costs: requests and bytes that ffmpeg needs for minute nine of a ten-minute recording."""

from __future__ import annotations

import json
import re
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from long_film import MINUTES, ten_minutes
from storage_rig import Rig, http, new_id, now_ms, opened, running, token, write_film
from vigilar_common.fmp4 import FragmentIndex

SEEK_S = 540
ANY_NAME = {"allowed_extensions": "ALL", "allowed_segment_extensions": "ALL", "extension_picky": "0"}
"""ffmpeg wants names that end in .mp4; browsers do not look."""
AT_MOST = 0.05
"""Of the file, for opening it and showing the first picture after the seek."""
AT_MOST_REQUESTS = 10


@pytest.fixture(scope="module")
def film() -> bytes:
    return ten_minutes()


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running(tmp_path_factory.mktemp("storage")) as built:
        yield built


@pytest.fixture(scope="module")
def film_id(rig: Rig, film: bytes) -> str:
    return rig.recorded(film, now_ms() - 3_600_000)


def seek(rig: Rig, path: str) -> tuple[float, int, int]:
    """(time in s of the first picture shown, requests for film, bytes that ffmpeg read) for a seek to 9:00."""
    assert rig.app is not None
    before = rig.app.media.counters["content_requests"]
    headers = f"Authorization: Bearer {token('web')}\r\n"
    done = subprocess.run(
        ["ffmpeg", "-nostdin", "-hide_banner", "-v", "verbose", "-headers", headers,
         "-ss", str(SEEK_S), "-copyts", "-i", rig.url + path,
         "-frames:v", "1", "-vf", "showinfo", "-f", "null", "-"],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shown = re.search(r"pts_time:\s*([0-9.]+)", done.stderr)
    assert shown is not None, done.stderr
    read = sum(int(size) for size in re.findall(r"Statistics: (\d+) bytes read", done.stderr))
    return float(shown[1]), rig.app.media.counters["content_requests"] - before, read


def test_a_seek_over_the_playlist_takes_few_requests_and_few_bytes(
    rig: Rig, film: bytes, film_id: str
) -> None:
    import av

    assert rig.app is not None
    before = dict(rig.app.media.counters)
    options = {**ANY_NAME, "headers": f"Authorization: Bearer {token('web')}\r\n"}
    with av.open(f"{rig.url}/v1/recordings/{film_id}/playlist.m3u8", options=options) as container:
        container.seek(SEEK_S * 1_000_000)
        shown_s = next(container.decode(video=0)).time

    sent = rig.app.media.counters["content_bytes"] - before["content_bytes"]
    assert shown_s is not None
    assert SEEK_S - 4 <= shown_s <= SEEK_S
    assert rig.app.media.counters["content_requests"] - before["content_requests"] <= AT_MOST_REQUESTS
    assert 0 < sent < AT_MOST * len(film)  # every request names both ends of its range


def plays(source: str, *words: str) -> bool:
    """Whether Debian's ffmpeg shows a picture."""
    done = subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-headers", f"Authorization: Bearer {token('web')}\r\n", *words, "-i", source,
         "-frames:v", "1", "-f", "rawvideo", "-"],
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode == 0 and len(done.stdout) > 0


def test_ffmpeg_plays_the_playlist_as_it_is(rig: Rig, film_id: str) -> None:
    """Without options: its segments are named like films, or ffmpeg would refuse them."""
    assert plays(f"{rig.url}/v1/recordings/{film_id}/playlist.m3u8")


def test_where_the_program_shows_nothing_after_a_seek_its_own_playlists_fail_too(
    rig: Rig, film: bytes, film_id: str, tmp_path: Path
) -> None:
    """FFmpeg before 6 loses its place in any playlist of fragmented MP4, its own included: the reference says whose fault."""
    (tmp_path / "film.mp4").write_bytes(film)
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(tmp_path / "film.mp4"), "-t", "30", "-c", "copy", "-f", "hls",
         "-hls_segment_type", "fmp4", "-hls_time", "3", "-hls_playlist_type", "vod", str(tmp_path / "own.m3u8")],
        check=True, timeout=60,
    )  # fmt: skip
    reference = subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-ss", "20", "-i", str(tmp_path / "own.m3u8"),
         "-frames:v", "1", "-f", "rawvideo", "-"],
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip

    assert plays(f"{rig.url}/v1/recordings/{film_id}/playlist.m3u8", "-ss", "20") == bool(reference.stdout)


def test_a_seek_in_the_download_takes_few_requests_and_few_bytes(rig: Rig, film: bytes, film_id: str) -> None:
    shown_s, requests, read = seek(rig, f"/v1/recordings/{film_id}/download")

    assert SEEK_S <= shown_s < SEEK_S + 1
    assert requests <= AT_MOST_REQUESTS
    assert 0 < read < AT_MOST * len(film)


def test_without_the_index_the_same_seek_costs_far_more(rig: Rig, film: bytes, film_id: str) -> None:
    """The control: it shows that the index is what saves."""
    with_index = seek(rig, f"/v1/recordings/{film_id}/download")
    without = seek(rig, f"/v1/recordings/{film_id}/content")

    assert without[1] * without[2] > 10 * with_index[1] * with_index[2]


def test_the_download_is_the_recording_with_one_box_more(rig: Rig, film: bytes, film_id: str) -> None:
    whole = rig.get(f"/v1/recordings/{film_id}/download")
    index = FragmentIndex()
    index.feed(film)
    at = index.fragments[0].offset
    size = struct.unpack_from(">I", whole.content, at)[0]

    assert whole.content[at + 4 : at + 8] == b"sidx"
    assert whole.content[:at] + whole.content[at + size :] == film
    assert int(whole.headers["Content-Length"]) == len(film) + size


def test_any_range_of_the_download_is_that_part_of_it(rig: Rig, film: bytes, film_id: str) -> None:
    whole = rig.get(f"/v1/recordings/{film_id}/download").content
    at = whole.index(b"sidx") - 4
    size = struct.unpack_from(">I", whole, at)[0]
    borders = [0, 1, at - 1, at, at + 5, at + size - 1, at + size, at + size + 40_000, len(whole) - 1]
    for start in borders:
        for last in (border for border in borders if border >= start):
            if last - start > 200_000:
                continue
            answer = rig.get(f"/v1/recordings/{film_id}/download", headers={"Range": f"bytes={start}-{last}"})
            assert answer.status_code == 206
            assert answer.content == whole[start : last + 1], (start, last)
    assert rig.get(
        f"/v1/recordings/{film_id}/download", headers={"Range": f"bytes={len(whole)}-"}
    ).status_code == 416  # fmt: skip


def test_ffprobe_reads_the_length_of_the_download(rig: Rig, film_id: str, tmp_path: Path) -> None:
    file = tmp_path / "film.mp4"
    file.write_bytes(rig.get(f"/v1/recordings/{film_id}/download").content)
    told = subprocess.run(
        ["ffprobe", "-v", "error", "-of", "json", "-show_format", str(file)],
        capture_output=True, check=True, timeout=30,
    )  # fmt: skip
    assert told.stderr == b""
    assert float(json.loads(told.stdout)["format"]["duration"]) == pytest.approx(MINUTES * 60, abs=1)


def test_a_download_needs_the_right_to_read_film(rig: Rig, film_id: str) -> None:
    path = f"/v1/recordings/{film_id}/download"

    assert http().get(rig.url + path).status_code == 401
    assert rig.get(path, "camera-worker-front").status_code == 403
    assert rig.get("/v1/recordings/none/download").status_code == 404


def test_a_growing_recording_is_downloaded_as_far_as_it_is(rig: Rig, film: bytes) -> None:
    recording_id, started_ms = new_id(), now_ms()
    with rig.begin(recording_id, started_ms) as writer:
        write_film(writer, film[: len(film) // 10])
        writer.sync()
        rig.post([opened(recording_id, started_ms)])
        so_far = rig.get(f"/v1/recordings/{recording_id}/download").content
        assert so_far
        assert film.startswith(so_far)
