"""Commands to other services over the broker, awaited without blocking the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from vigilar_common.bus import BusUnavailableError
from vigilar_common.errors import BadMessageError
from vigilar_common.messages import Message, Reply
from vigilar_common.topics import Topic

from vigilar_web.errors import ApiError
from vigilar_web.parts import Parts

log = logging.getLogger(__name__)

ANSWER_LIMIT_S = 10.0
"""A PIN check costs a fifth of a second on an idle core; a small machine may be busy."""


async def ask(
    parts: Parts,
    topic: Topic,
    command: Message,
    unavailable: Callable[[str], ApiError],
    limit_s: float = ANSWER_LIMIT_S,
    **ids: str,
) -> Reply:
    """The answer; `ids` fill the topic.

    Raises `unavailable(reason)` when none comes, ApiError 422 for a command that cannot be sent.
    """
    try:
        return await asyncio.to_thread(parts.bus.request, topic, command, limit_s, **ids)
    except BusUnavailableError as error:
        log.warning("no answer to a command: %s", error)
        raise unavailable(str(error)) from error
    except BadMessageError as error:
        raise ApiError(422, "invalid", str(error)) from error
