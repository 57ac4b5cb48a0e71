"""Why something did not get off-site."""

from __future__ import annotations

from enum import StrEnum

from vigilar_common.errors import VigilarError


class Why(StrEnum):
    """What the owner has to look at."""

    UNREACHABLE = "unreachable"
    HOST_KEY = "host_key"
    REFUSED = "refused"
    NOT_ALLOWED = "not_allowed"
    FULL = "full"
    FAILED = "failed"


CURES = {
    Why.UNREACHABLE: "Look at the connection to the internet and at the target; it is tried again and again, and goes on "
    "where it was.",
    Why.HOST_KEY: "Ask the owner of the server whether its key was changed. If it was, set [offsite] host_key; if not, "
    "somebody stands between.",
    Why.REFUSED: "Check [offsite] username and password, or enter the key that the system page shows at the server.",
    Why.NOT_ALLOWED: "A target inside the house needs [offsite] private_targets; one elsewhere must have a public address.",
    Why.FULL: "Make room at the target; what waits is sent then.",
    Why.FAILED: "The title says what the target answered; what waits is sent once it takes it.",
}


class TargetError(VigilarError):
    """The target did not take something. The text names the target, never a password."""

    def __init__(self, why: Why, text: str) -> None:
        super().__init__(text)
        self.why = why
