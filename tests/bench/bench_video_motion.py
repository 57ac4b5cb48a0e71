"""The search for motion on ground truth: recall, false alarms and latency, ours beside decoding and looking at every frame.

Sequences of eight minutes with 24 onsets each (six kinds of objects under four conditions, `tests/motion_scenes.py`),
as constant and variable bit rate, with the default configuration. Latency counts in stream time, from the onset to the
packet with which it was told. Run: `python tests/bench/bench_video_motion.py [h264] [hevc]` (some minutes; the first time
longer, the sequences are drawn).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from motion_scenes import Scene, ensure_scenes
from motion_truth import Score, search_in

SCENES = {
    "h264": [Scene(bitrate_kbps=1500), Scene()],
    "hevc": [Scene(codec="hevc", bitrate_kbps=1000), Scene(codec="hevc")],
}
TARGET_MEDIAN_S, TARGET_P90_S, TARGET_WORST_S = 0.35, 0.8, 5.0


def row(name: str, score: Score) -> str:
    late = " / ".join(f"{score.latency_s(share):.2f}" for share in (0.5, 0.9, 1.0))
    missed = ", ".join(f"{event.kind} ({event.condition})" for event in score.missed)
    return (
        f"| {name} | {score.found} of {len(score.events)} | {len(score.false_alarms_s)} | {late} "
        f"| {score.cpu_s_per_min:.2f} | {missed or '–'} |"
    )


def main(codecs: list[str]) -> int:
    print("| 720p15 | found | false alarms | s to tell: median / p90 / worst | CPU s per minute | missed |")
    print("|---|---|---|---|---|---|", flush=True)
    good = True
    for codec in codecs or list(SCENES):
        scenes = SCENES[codec]
        for scene, (index, _) in zip(scenes, ensure_scenes(*scenes), strict=True):
            rate = "constant" if scene.bitrate_kbps else "variable"
            every = search_in(index, every_frame=True, section_s=scene.section_s)
            ours = search_in(index, section_s=scene.section_s)
            print(row(f"{codec}, {rate} bit rate, every frame", every))
            print(row(f"{codec}, {rate} bit rate, ours", ours), flush=True)
            good &= ours.found >= every.found and len(ours.false_alarms_s) <= len(every.false_alarms_s)
            good &= ours.latency_s(0.5) <= TARGET_MEDIAN_S
            good &= ours.latency_s(0.9) <= TARGET_P90_S
            good &= ours.latency_s(1.0) < TARGET_WORST_S
    print(
        f"\ntargets: found no less, false alarms no more than every frame; {TARGET_MEDIAN_S} / {TARGET_P90_S} / "
        f"{TARGET_WORST_S:g} s: {'reached' if good else 'MISSED'} (load {os.getloadavg()[0]:.1f})"
    )
    return int(not good)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
