"""What can go wrong before the camera runs, each with its cure in the message."""

from __future__ import annotations


class DemoCameraError(Exception):
    """The demo camera cannot start; the message says what is missing and what helps."""
