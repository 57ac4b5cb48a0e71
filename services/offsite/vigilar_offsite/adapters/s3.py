"""S3 and what speaks like it: each part of a recording is an object, named by the byte that it starts at."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import urllib3

from vigilar_offsite.adapters.egress import PinnedPool, http_failure, http_refusal
from vigilar_offsite.adapters.target import OBJECT_BYTES, part_name
from vigilar_offsite.domain.errors import TargetError, Why

if TYPE_CHECKING:
    from minio import Minio
    from vigilar_common.config.offsite import Offsite
    from vigilar_common.egress import Egress


class S3Target:
    most_bytes = OBJECT_BYTES
    in_parts = True

    def __init__(self, settings: Offsite, egress: Egress) -> None:
        parts, server = urlsplit(settings.url), urlsplit(settings.endpoint)
        self._bucket = parts.netloc
        self._prefix = unquote(parts.path).strip("/")
        self._settings, self._egress = settings, egress
        self._netloc, self._secure = server.netloc.rpartition("@")[2], server.scheme == "https"
        self._client: Minio | None = None
        self.shown = f"s3://{self._bucket}/{self._prefix} at {self._netloc}"

    def open(self) -> None:
        from minio import Minio

        settings = self._settings
        self._client = Minio(
            endpoint=self._netloc,
            access_key=settings.username or None,
            secret_key=settings.password or None,
            secure=self._secure,
            region=settings.region,
            http_client=PinnedPool(self._egress),
        )

    def close(self) -> None:
        self._client = None

    def has(self, name: str, sent_bytes: int) -> int:  # noqa: ARG002 as said below
        """What was answered with success is kept; asking for each part would cost as much as sending it."""
        return sent_bytes

    def append(self, name: str, offset: int, data: bytes) -> None:
        self.put(part_name(name, offset), data)

    def put(self, name: str, data: bytes) -> None:
        from minio.error import InvalidResponseError, MinioException, S3Error, ServerError

        client = self._client
        if client is None:
            raise TargetError(Why.UNREACHABLE, f"{self.shown} is not connected")
        key = f"{self._prefix}/{name}" if self._prefix else name
        try:
            client.put_object(
                bucket_name=self._bucket,
                object_name=key,
                data=io.BytesIO(data),
                length=len(data),
                content_type="application/octet-stream",
            )
        except S3Error as error:
            full = error.code in (
                "QuotaExceeded",
                "XMinioStorageFull",
                "EntityTooLarge",
                "InsufficientStorage",
            )
            refusal = http_refusal(
                self.shown, error.response.status if error.response is not None else 0, str(error.code)
            )
            raise TargetError(Why.FULL, str(refusal)) if full else refusal from error
        except (InvalidResponseError, ServerError) as error:
            raise http_refusal(
                self.shown, getattr(error, "status_code", None) or getattr(error, "_code", 0) or 0, ""
            ) from error
        except urllib3.exceptions.HTTPError as error:
            raise http_failure(self.shown, error) from error
        except (MinioException, ValueError, OSError) as error:
            raise TargetError(Why.FAILED, f"{self.shown} cannot be used: {type(error).__name__}") from error
