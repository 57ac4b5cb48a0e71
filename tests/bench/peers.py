"""What others do with the same stream, for comparison: each a process of its own, its children counted with it.

`motion` is Debian's package as it is installed, told to record by stream copy. The other two are measured as ways of
doing it, not as products: a Frigate-like pipeline (its documented FFmpeg command for detection and recording, and
motion search on a picture 100 lines high against a running average, written anew from the description in its
documentation), and the loop that every OpenCV tutorial shows.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

WIDTH, HEIGHT, FPS = 1920, 1080, 15
DETECT_WIDTH, DETECT_HEIGHT, DETECT_FPS = 1280, 720, 5
SEARCH_HEIGHT = 100


def motion(url: str, folder: Path) -> subprocess.Popen[bytes] | None:
    """None where it is not installed (`apt-get install motion`)."""
    program = shutil.which("motion")
    if program is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "motion.conf"
    config.write_text(
        f"daemon off\nsetup_mode off\nlog_level 4\nlog_file {folder / 'motion.log'}\ntarget_dir {folder}\n"
        f"netcam_url {url}\nnetcam_params rtsp_transport=tcp\nwidth {WIDTH}\nheight {HEIGHT}\nframerate {FPS}\n"
        "picture_output off\nmovie_output on\nmovie_passthrough on\nwebcontrol_port 0\nstream_port 0\n"
        "pre_capture 0\nevent_gap 30\n"
    )
    return subprocess.Popen(
        [program, "-c", str(config)], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def frigate_like(url: str, folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    return subprocess.Popen([sys.executable, __file__, "frigate-like", url, str(folder)])


def naive(url: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, __file__, "naive", url, ""])


def _frigate_like(url: str, folder: str) -> None:
    import cv2
    import numpy as np

    command = [
        "ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-avoid_negative_ts", "make_zero",
        "-fflags", "+genpts+discardcorrupt", "-rtsp_transport", "tcp", "-use_wallclock_as_timestamps", "1", "-i", url,
        "-f", "segment", "-segment_time", "10", "-segment_format", "mp4", "-reset_timestamps", "1",
        "-c", "copy", "-an", f"{folder}/%d.mp4",
        "-r", str(DETECT_FPS), "-vf", f"fps={DETECT_FPS},scale={DETECT_WIDTH}:{DETECT_HEIGHT}",
        "-threads", "2", "-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:",
    ]  # fmt: skip
    cv2.setNumThreads(1)
    size = (SEARCH_HEIGHT * DETECT_WIDTH // DETECT_HEIGHT, SEARCH_HEIGHT)
    average = np.zeros(size[::-1], np.float32)
    limits: list[tuple[float, float]] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        while len(data := reader.stdout.read(DETECT_WIDTH * DETECT_HEIGHT * 3 // 2)):
            luma = np.frombuffer(data, np.uint8)[: DETECT_WIDTH * DETECT_HEIGHT]
            small = cv2.resize(
                luma.reshape(DETECT_HEIGHT, DETECT_WIDTH), size, interpolation=cv2.INTER_NEAREST
            )
            limits = [*limits[-49:], (float(np.percentile(small, 4)), float(np.percentile(small, 96)))]
            low, high = np.mean(limits, axis=0)
            stretched = ((np.clip(small, low, high) - low) / max(1.0, high - low) * 255).astype(np.uint8)
            blurred = cv2.GaussianBlur(stretched, (3, 3), 1)
            delta = cv2.absdiff(blurred, cv2.convertScaleAbs(average))
            mask = cv2.dilate(cv2.threshold(delta, 30, 255, cv2.THRESH_BINARY)[1], np.ones((3, 3), np.uint8))
            contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
            sum(cv2.contourArea(contour) > 10 for contour in contours)
            cv2.accumulateWeighted(blurred, average, 0.01)


def _naive(url: str) -> None:
    import cv2

    camera, background = cv2.VideoCapture(url), cv2.createBackgroundSubtractorMOG2()
    while True:
        good, picture = camera.read()
        if not good:
            return
        grey = cv2.cvtColor(cv2.resize(picture, (640, 360)), cv2.COLOR_BGR2GRAY)
        mask = background.apply(cv2.GaussianBlur(grey, (5, 5), 0))
        cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)


if __name__ == "__main__":
    _, what, url, folder = sys.argv
    if what == "naive":
        _naive(url)
    else:
        _frigate_like(url, folder)
