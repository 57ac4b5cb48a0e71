"""Passkeys (WebAuthn). They belong to the name in `[alerts] page_url`: a look-alike site gets nothing from a browser."""

from __future__ import annotations

import json
import logging
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from vigilar_common.clock import Clock

from vigilar_web.accounts.book import AccountBook
from vigilar_web.accounts.model import Account, Credential, CredentialKind
from vigilar_web.accounts.used import Used
from vigilar_web.errors import ApiError

log = logging.getLogger(__name__)

CHALLENGE_S = 300
MAX_CHALLENGES = 200
CHALLENGE_BYTES = 32


@dataclass(frozen=True)
class Site:
    """What browsers bind a passkey to."""

    rp_id: str
    origin: str


def site_of(trusted_address: str, host: str) -> Site:
    """Of the trusted address; without one of `localhost` alone. Raises ApiError 409 where there can be no passkeys."""
    parts = urlsplit(trusted_address)
    name = parts.hostname or ""
    sound = parts.scheme == "https" or (parts.scheme == "http" and name == "localhost")
    if sound and name and not _is_address(name):
        return Site(name, f"{parts.scheme}://{parts.netloc}")
    if host.split(":")[0] == "localhost":
        return Site("localhost", f"http://{host}")
    raise ApiError(
        409,
        "no_trusted_address",
        "Passkeys need a trusted address: https with a name, in [alerts] page_url.",
    )


class Challenges:
    """Each is answered once, within minutes, by whom it was made for. In memory: a restart costs another click."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: OrderedDict[str, tuple[float, str, bytes]] = OrderedDict()

    def new(self, whose: str) -> tuple[str, bytes]:
        """Its id and its bytes. `whose`: a session, or empty for somebody who signs in."""
        challenge, name = secrets.token_bytes(CHALLENGE_BYTES), secrets.token_urlsafe(16)
        while len(self._open) >= MAX_CHALLENGES:
            self._open.popitem(last=False)
        self._open[name] = (self._clock.monotonic_s() + CHALLENGE_S, whose, challenge)
        return name, challenge

    def take(self, name: str, whose: str) -> bytes:
        """Raises ApiError 409 for one that is unknown, answered, too old or another's."""
        until_s, of, challenge = self._open.pop(name, (0.0, "", b""))
        if not challenge or of != whose or self._clock.monotonic_s() >= until_s:
            raise ApiError(409, "stale_challenge", "This took too long. Please try again.")
        return challenge


class Passkeys:
    """Use from the event loop; a check costs a millisecond."""

    def __init__(self, book: AccountBook, used: Used, clock: Clock) -> None:
        self._book, self._used, self._clock = book, used, clock
        self.challenges = Challenges(clock)

    def creation_options(self, account: Account, system: str, site: Site, challenge: bytes) -> dict[str, Any]:
        """For `navigator.credentials.create`: a key that the device finds by itself and unlocks by finger, face or PIN."""
        from webauthn import generate_registration_options, options_to_json
        from webauthn.helpers.structs import (
            AuthenticatorSelectionCriteria,
            PublicKeyCredentialDescriptor,
            ResidentKeyRequirement,
            UserVerificationRequirement,
        )

        known = account.all_of(CredentialKind.PASSKEY)
        options = generate_registration_options(
            rp_id=site.rp_id,
            rp_name=system,
            user_name=account.name,
            user_id=account.id.encode(),
            challenge=challenge,
            exclude_credentials=[
                PublicKeyCredentialDescriptor(id=_bytes(credential.detail["id"])) for credential in known
            ],
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
        )
        return _object(options_to_json(options))

    def created(
        self, answer: Mapping[str, Any], site: Site, challenge: bytes
    ) -> tuple[str, dict[str, Any], int]:
        """The public key, what else is to be kept, and the counter. Raises ApiError 422."""
        from webauthn import verify_registration_response
        from webauthn.helpers import bytes_to_base64url
        from webauthn.helpers.exceptions import WebAuthnException

        try:
            verified = verify_registration_response(
                credential=dict(answer),
                expected_challenge=challenge,
                expected_rp_id=site.rp_id,
                expected_origin=site.origin,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as error:
            log.warning("a new passkey was refused: %s", type(error).__name__)
            raise ApiError(422, "bad_passkey", "This passkey cannot be used.") from error
        kept = {"id": bytes_to_base64url(verified.credential_id), "rp_id": site.rp_id}
        return bytes_to_base64url(verified.credential_public_key), kept, verified.sign_count

    def request_options(self, site: Site, challenge: bytes) -> dict[str, Any]:
        """For `navigator.credentials.get`: whichever passkey of this site the device has."""
        from webauthn import generate_authentication_options, options_to_json
        from webauthn.helpers.structs import UserVerificationRequirement

        options = generate_authentication_options(
            rp_id=site.rp_id, challenge=challenge, user_verification=UserVerificationRequirement.REQUIRED
        )
        return _object(options_to_json(options))

    def answered(self, answer: Mapping[str, Any], site: Site, challenge: bytes) -> Account:
        """Whose passkey signed the challenge. Raises ApiError 401, which never tells what was wrong."""
        from webauthn import verify_authentication_response
        from webauthn.helpers.exceptions import WebAuthnException

        refused = ApiError(401, "bad_passkey", "This passkey is not known here.")
        found = self._find(str(answer.get("id", ""))[:1_000], site)
        if found is None:
            raise refused
        account, credential = found
        try:
            verified = verify_authentication_response(
                credential=dict(answer),
                expected_challenge=challenge,
                expected_rp_id=site.rp_id,
                expected_origin=site.origin,
                credential_public_key=_bytes(credential.secret),
                credential_current_sign_count=self._used.counter(credential.id),
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as error:
            log.warning("a passkey of %s was refused: %s", account.id, type(error).__name__)
            raise refused from error
        self._used.note(credential.id, verified.new_sign_count)
        return account

    def _find(self, credential_id: str, site: Site) -> tuple[Account, Credential] | None:
        for account in self._book.all():
            for credential in account.all_of(CredentialKind.PASSKEY):
                same = (
                    credential.detail.get("id") == credential_id
                    and credential.detail.get("rp_id") == site.rp_id
                )
                if same and not account.disabled:
                    return account, credential
        return None


def _object(text: str) -> dict[str, Any]:
    made = json.loads(text)
    assert isinstance(made, dict)
    return made


def _bytes(text: str) -> bytes:
    from webauthn import base64url_to_bytes

    return base64url_to_bytes(text)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
