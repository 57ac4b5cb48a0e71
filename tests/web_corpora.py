"""What attackers send: markup, foreign requests, paths that climb. Short here; the long forms are multiplied from it."""

from __future__ import annotations

from itertools import product
from urllib.parse import quote

CANARY = "canary-4f1c"
"""Stands in every markup, and calls `canary()` where a browser would run it."""

MARKUP = (
    f'"><img src=x onerror=canary()>{CANARY}',
    f"'><svg/onload=canary()>{CANARY}",
    f"<script>canary()</script>{CANARY}",
    f"</title></style></textarea><iframe srcdoc='<script>top.canary()</script>'>{CANARY}",
    f"javascript:canary()//{CANARY}",
    f"{{{{constructor.constructor('canary()')()}}}}${{canary()}}{CANARY}",
    f"<a href='data:text/html,<script>canary()</script>' ping=//evil.example>{CANARY}",
    f"<math><mtext></form><form><mglyph><style></math><img src onerror=canary()>{CANARY}",
    f"\u202e<b>{CANARY}</b>\u0000\u2028",
)
"""Stored and reflected; each breaks out of another place: text, attribute, title, address, template, comment, style."""

FOREIGN = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://house.lan.evil.example:49735"},
    {"Origin": "http://evil.example#http://house.lan:49735"},
    {"Origin": "http://house.lan:49735@evil.example"},
    {"Origin": "http://house.lan"},
    {"Origin": "http://house.lan:80"},
    {"Origin": "http://[::1"},
    {"Origin": "file://house.lan:49735"},
    {"Origin": "http://house.lan:49735", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://house.lan:49735", "Sec-Fetch-Site": "same-site"},
    {"Origin": "http://house.lan:49735", "Sec-Fetch-Site": "none"},
)
"""Headers that only a page of somebody else, or no page at all, can have; the house is http://house.lan:49735."""

SIMPLE_TYPES = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "",
    "application/jsonp",
)
"""What a form of another site may send without being asked for permission first, and its neighbours."""

_STEPS = (
    "../",
    "..\\",
    "%2e%2e/",
    "..%2f",
    "%2e%2e%2f",
    "..%5c",
    "%252e%252e%252f",
    "..%c0%af",
    "..%ef%bc%8f",
    "....//",
    ".%00./",
)
_TARGETS = ("etc/passwd", "secret.txt", "secrets/session_key", "state/web.db")
CLIMBS = tuple(step * depth + target for step, depth, target in product(_STEPS, (1, 6), _TARGETS))
"""As they stand in a request line."""
ABSOLUTE = (
    "/etc/passwd", "%2fetc%2fpasswd", "//etc/passwd", "file:///etc/passwd", "C:\\windows\\win.ini", "%00", "secret.txt%00.js",
    "index-abc.js/../../../secret.txt", "link.js", ".", "..", "%2e", "%2e%2e", "~root", "*", "a" * 300,
)  # fmt: skip
SHORT_CLIMBS = (*CLIMBS[::9], *ABSOLUTE)


def in_query(text: str) -> str:
    return quote(text, safe="")
