"""Why a recording goes on and when it is over: motion, and orders of people and rules, each with its post-roll."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vigilar_common.messages.camera import Trigger


@dataclass(frozen=True)
class Order:
    """Record until ``until_s`` (monotonic), then the post-roll."""

    trigger: Trigger
    cause_id: str | None
    until_s: float


class Reasons:
    """Motion is told in media time of the connection, orders in monotonic time: they outlive a connection."""

    def __init__(self, continuous: bool, post_s: float) -> None:
        self._continuous, self._post_s = continuous, post_s
        self._motion_until_s = -math.inf
        self._motion_id: str | None = None
        self._orders: dict[str, Order] = {}

    def motion_started(self, cause_id: str) -> None:
        self._motion_until_s, self._motion_id = math.inf, cause_id

    def motion_ended(self, last_s: float, cause_id: str) -> None:
        """``last_s``: media time of the last frame that showed it. One of an earlier connection is over already."""
        if cause_id == self._motion_id:
            self._motion_until_s, self._motion_id = last_s + self._post_s, None

    def go_on(self, until_s: float) -> None:
        """What was recorded when the connection broke: until this media time of the new one."""
        self._motion_until_s = max(self._motion_until_s, until_s)

    def motion_left_s(self, media_s: float) -> float:
        """How long motion wants to be recorded after a loss at ``media_s``; forgets it."""
        left_s = self._post_s if math.isinf(self._motion_until_s) else self._motion_until_s - media_s
        left_s = left_s if self._motion_until_s > -math.inf else 0.0
        self._motion_until_s, self._motion_id = -math.inf, None
        return max(0.0, left_s)

    def order(self, sender: str, order: Order) -> Order:
        """Each sender has one order; another start makes it longer, never shorter. What is in force."""
        known = self._orders.get(sender)
        if known is not None and known.until_s > order.until_s:
            return known
        self._orders[sender] = order
        return order

    def cancel(self, sender: str, now_s: float, recorded: bool) -> bool:
        """End the sender's order now; its post-roll follows if it was ``recorded``. False when there is none."""
        known = self._orders.get(sender)
        if known is None or known.until_s <= now_s:
            return False
        if recorded:
            self._orders[sender] = Order(known.trigger, known.cause_id, now_s)
        else:
            del self._orders[sender]
        return True

    def ordered_left_s(self, now_s: float) -> float:
        """Seconds until the last order and its post-roll are over; 0 when there is none."""
        over = [sender for sender, order in self._orders.items() if now_s > order.until_s + self._post_s]
        for sender in over:
            del self._orders[sender]
        return max((order.until_s + self._post_s - now_s for order in self._orders.values()), default=0.0)

    def ordered_until_s(self, now_s: float) -> float:
        """Monotonic time at which the last order of people and rules ends, without post-roll; 0: none runs."""
        running = (order for order in self._orders.values() if order.until_s > now_s)
        return max(
            (order.until_s for order in running if order.trigger is not Trigger.CONTINUOUS), default=0.0
        )

    def over(self, media_s: float, now_s: float) -> bool:
        return not self._continuous and media_s > self._motion_until_s and self.ordered_left_s(now_s) <= 0

    def why(self, now_s: float) -> tuple[Trigger, str | None] | None:
        """What a recording that begins now begins for; None: nothing."""
        if self._continuous:
            return Trigger.CONTINUOUS, None
        if math.isinf(self._motion_until_s) and self._motion_until_s > 0:
            return Trigger.MOTION, self._motion_id
        for order in self._orders.values():
            if order.until_s > now_s:
                return order.trigger, order.cause_id
        return None
