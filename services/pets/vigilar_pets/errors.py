"""What can be wrong with what somebody asks of the pets service."""

from __future__ import annotations

from vigilar_common.errors import VigilarError


class RefusedError(VigilarError):
    """Something that is not done; the text says why, `code` is a stable word for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
