"""Whose film it is: for callers who may see some cameras only, each request for bytes asks first."""

from __future__ import annotations

from collections import OrderedDict

from vigilar_web.accounts.model import Caller
from vigilar_web.errors import ApiError, not_found
from vigilar_web.gateway import StorageGateway

MAX_KNOWN = 4_096


def require_camera(caller: Caller, camera_id: str | None) -> None:
    """Raises ApiError 404, as for what does not exist."""
    if not caller.sees(camera_id):
        raise not_found("There is nothing with this id.")


class Films:
    """The camera of recordings, which never changes; the newest asked are remembered."""

    def __init__(self, storage: StorageGateway) -> None:
        self._storage = storage
        self._cameras: OrderedDict[str, str] = OrderedDict()

    async def require(self, caller: Caller, recording_id: str) -> None:
        """Raises ApiError 404 for a recording of a camera that the caller may not see, and 503."""
        if not caller.sees_all:
            require_camera(caller, await self._camera(recording_id))

    async def may_see(self, caller: Caller, recording_id: str) -> bool:
        """False also for one that is gone. Raises ApiError 503."""
        try:
            await self.require(caller, recording_id)
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return True

    async def _camera(self, recording_id: str) -> str:
        known = self._cameras.get(recording_id)
        if known is None:
            row = await self._storage.json("GET", f"/v1/recordings/{recording_id}")
            known = self._cameras[recording_id] = str(row["camera_id"])
            if len(self._cameras) > MAX_KNOWN:
                self._cameras.popitem(last=False)
        return known
