"""Answers of the API, packed for the way to the phone: a list of events is a fifth of its size."""

from __future__ import annotations

import gzip

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message

LEAST_BYTES = 1_400
"""What fits into one packet is not packed."""
MOST_BYTES = 1024 * 1024
"""Packing holds up everybody else: 10 ms at the most."""
LEVEL = 4


def worth_packing(request: Headers, answer: Message) -> bool:
    """Only JSON that is complete, known in length and not packed yet. `answer`: the message that starts it."""
    headers = Headers(raw=answer.get("headers", []))
    length = headers.get("content-length", "")
    return (
        answer["type"] == "http.response.start"
        and headers.get("content-type", "").startswith("application/json")
        and "content-encoding" not in headers
        and length.isdigit()
        and LEAST_BYTES <= int(length) <= MOST_BYTES
        and "gzip" in {word.split(";")[0].strip() for word in request.get("accept-encoding", "").split(",")}
    )


def pack(start: Message, body: Message) -> tuple[Message, Message]:
    """Both messages of an answer, packed; as they are where the body is not whole."""
    if body.get("more_body"):
        return start, body
    packed = gzip.compress(body.get("body", b""), LEVEL, mtime=0)
    headers = MutableHeaders(raw=list(start["headers"]))
    headers["Content-Encoding"] = "gzip"
    headers["Content-Length"] = str(len(packed))
    headers.add_vary_header("Accept-Encoding")
    return {**start, "headers": headers.raw}, {**body, "body": packed}
