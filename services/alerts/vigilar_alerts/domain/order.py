"""The order of channels: the next one only when those before it have not delivered in time."""

from __future__ import annotations

from collections.abc import Sequence


def stages(channels: Sequence[str], order: Sequence[str]) -> dict[str, int]:
    """The place of each of `channels` that stands in `order`, from 0; those that are off leave no hole."""
    there = [name for name in order if name in channels]
    return {name: place for place, name in enumerate(there)}
