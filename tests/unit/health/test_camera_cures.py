"""Each kind of failure that a camera worker tells has a cure of its own."""

from __future__ import annotations

import pytest
from vigilar_camera_worker import errors
from vigilar_common.messages.camera import CameraCondition, CameraState
from vigilar_health.checks import cameras
from vigilar_health.domain.board import Board

KINDS = sorted(
    kind.code
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.CameraError) and kind is not errors.CameraError
)


class OneCamera:
    """What the check reads of a Board."""

    starting, now_ms = False, 100_000

    def __init__(self, error: str) -> None:
        state = CameraState(
            camera_id="front", condition=CameraCondition.OFFLINE, reason="because", error=error, since_ms=1
        )
        self.camera_states = {"front": state}

    def enabled_cameras(self) -> list[str]:
        return ["front"]

    def silent_s(self, _name: str) -> float:
        return 0

    def camera_name(self, _camera_id: str) -> str:
        return "Front"


def cure(error: str) -> str:
    board: Board = OneCamera(error)  # type: ignore[assignment]
    (finding,) = cameras.offline(board)
    return finding.cure


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_cure(kind: str) -> None:
    assert cure(kind) == cameras.CURES[kind]


def test_an_unknown_kind_gets_the_general_one() -> None:
    assert cure("") == cure("of tomorrow") == cameras.CURE
