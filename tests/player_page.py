"""What players in a browser show, read off their pictures: how far apart several are, and how long a seek takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from film_house import FILM_S, FRAME_MS, FilmHouse
from live_rig import READ_NUMBER
from playwright.sync_api import Page

TICK_MS = 100.0
FRAMES = f"""
async (seconds) => {{
  const read = {READ_NUMBER};
  const until = performance.now() + seconds * 1000;
  const page = document.querySelector('vg-app').shadowRoot.querySelector('vg-timeline');
  const players = [...page.shadowRoot.querySelectorAll('vg-synced-picture')];
  const found = {{}};
  await Promise.all(players.map((player) => new Promise((done) => {{
    const video = player.shadowRoot.querySelector('video');
    const frames = (found[player.camera] = []);
    const look = (now, frame) => {{
      frames.push([Math.max(now, frame.expectedDisplayTime), read(video)]);
      if (performance.now() < until) video.requestVideoFrameCallback(look); else done();
    }};
    video.requestVideoFrameCallback(look);
    setTimeout(done, seconds * 1000 + 3000);
  }})));
  return found;
}}
"""

SEEK = f"""
async ([ms, begunMs, play]) => {{
  const read = {READ_NUMBER};
  const page = document.querySelector('vg-app').shadowRoot.querySelector('vg-camera');
  const player = page.shadowRoot.querySelector('vg-camera-player');
  const began = performance.now();
  let shownMs = 0;
  player.seek(ms, play);
  for (;;) {{
    await new Promise((next) => requestAnimationFrame(next));
    const video = player.shadowRoot.querySelector('.film');
    const tookMs = performance.now() - began;
    if (tookMs > 20000) throw new Error(`no picture of ${{ms}} but of ${{shownMs - ms}} ms beside it: ${{player.dataset.film}}`);
    if (video.hidden || video.seeking || video.readyState < 2) continue;
    shownMs = begunMs + read(video) * {FRAME_MS};
    if (Math.abs(shownMs - ms) <= {3 * FRAME_MS}) return tookMs;
  }}
}}
"""
"""Until the picture of that moment is on the screen, ms."""


def frames_of(page: Page, seconds: float) -> dict[str, list[tuple[float, int]]]:
    """Each picture that each camera's player showed: when (ms of the page's clock), and its number."""
    found: dict[str, list[tuple[float, int]]] = page.evaluate(FRAMES, seconds)
    return found


def skews_ms(frames: Mapping[str, Sequence[tuple[float, int]]], begun: Mapping[str, int]) -> list[float]:
    """At moments a tenth of a second apart: how far the newest pictures of all players lie apart in recorded time, ms."""
    first = max(shown[0][0] for shown in frames.values())
    last = min(shown[-1][0] for shown in frames.values())
    found, at = [], first
    while at <= last:
        moments = []
        for camera, shown in frames.items():
            number = next(number for when, number in reversed(shown) if when <= at)
            moments.append(begun[camera] + number * FRAME_MS)
        found.append(max(moments) - min(moments))
        at += TICK_MS
    return found


def seek_ms(page: Page, house: FilmHouse, camera: str, at_ms: int, *, play: bool = False) -> float:
    begun_ms = next(one for one in house.begun[camera] if one <= at_ms < one + FILM_S * 1000)
    took: float = page.evaluate(SEEK, [at_ms, begun_ms, play])
    return took


def p95(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]
