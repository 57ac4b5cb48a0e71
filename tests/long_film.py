"""Ten minutes of film whose seeks are measured: made once for all that ask for it."""

from __future__ import annotations

import io
from functools import cache

MINUTES = 10
FPS = 5
FRAGMENT_US = 500_000
WIDTH, HEIGHT = 160, 96


@cache
def ten_minutes() -> bytes:
    """Restless pictures, so that half a second has some kilobytes: a keyframe a second, a fragment each 0.5 s."""
    import av
    import numpy as np

    sink = io.BytesIO()
    options = {"movflags": "empty_moov+default_base_moof+skip_trailer", "frag_duration": str(FRAGMENT_US)}
    rng = np.random.default_rng(3)
    pictures = [rng.integers(0, 256, (HEIGHT * 3 // 2, WIDTH), dtype=np.uint8) for _ in range(7)]
    with av.open(sink, "w", format="mp4", options=options) as container:
        settings = {"preset": "ultrafast", "g": str(FPS), "bf": "0", "qp": "36", "sc_threshold": "0"}
        video = container.add_stream("libx264", rate=FPS, options=settings)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(MINUTES * 60 * FPS):
            frame = av.VideoFrame.from_ndarray(pictures[number % 7], format="yuv420p")
            for packet in video.encode(frame):
                container.mux(packet)
        container.mux(video.encode())
    return sink.getvalue()
