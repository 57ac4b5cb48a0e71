"""A mark over a real broker, by the users and rights of a real house: asked by web, kept by the camera's worker, told as a fact."""

from __future__ import annotations

from pathlib import Path

import pytest
from patience import wait_until
from test_bus import client, collect
from vigilar_camera_worker.adapters.marks_file import MarksFile
from vigilar_camera_worker.domain.likeness import Marks, View
from vigilar_camera_worker.domain.looks import Rect, Seen
from vigilar_camera_worker.marking import Marking
from vigilar_camera_worker.report import Report
from vigilar_common import topics
from vigilar_common.bus import BusUnavailableError
from vigilar_common.messages.objects import MarkObject, ObjectMarked, Verdict
from vigilar_common.testing.broker import TestBroker
