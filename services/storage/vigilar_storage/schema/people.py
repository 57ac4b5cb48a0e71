"""Who may use Vigilar, what proves that it is them, and what they did."""

from __future__ import annotations

import sqlalchemy as sa
from vigilar_common.messages.audit import AuditOutcome

from vigilar_storage.schema.columns import (
    choice,
    flag,
    index,
    json_text,
    key,
    number,
    reference,
    table,
    text,
    time_ms,
)

ROLES = ("admin", "resident", "viewer")
CREDENTIAL_KINDS = ("password", "totp", "recovery", "passkey", "token", "invite")

accounts = table(
    "accounts",
    "People who may sign in. The web service owns their meaning; `owner` is the login of `[web]`, here for what it has besides.",
    key("id", "`owner`, or a UUID"),
    text("name", "what they sign in with, unique whatever its case", max_length=120),
    choice("role", ROLES, "what they may do"),
    flag("all_cameras", "they may see every camera", default=True),
    json_text("cameras", "ids of the cameras that they may see when not all", empty="[]"),
    flag("disabled", "they may not sign in"),
    number("revision", "counts changes: whoever changes says which one they saw", low=1),
    time_ms("created_ms", "when it was made"),
    time_ms("updated_ms", "when it was changed"),
    sa.CheckConstraint("json_type(cameras) = 'array'", "cameras_array"),
    index("uq_accounts_name", "lower(name)", unique=True),
)

credentials = table(
    "credentials",
    "What proves who somebody is. Nothing here lets anybody in by itself: hashes, public keys, and what web sealed.",
    key("id", "UUID"),
    reference("accounts.id", "account_id", "whose it is"),
    choice("kind", CREDENTIAL_KINDS, "what it is"),
    text("label", "what its owner calls it", max_length=120, default=""),
    text(
        "proof",
        "Argon2id or keyed hash, public key, or what web sealed; never in the clear",
        max_length=4_096,
    ),
    json_text("detail", "what else web must know: scopes and cameras of a token, counters of a passkey"),
    time_ms("created_ms", "when it was made"),
    time_ms("expires_ms", "when it ends", optional=True),
    index("ix_credentials_account", "account_id", "id"),
)

audit_log = table(
    "audit_log",
    "Who did what through the web service, from where; rows are only ever added, each with an entry of the ledger.",
    key("id", "UUID of the fact"),
    time_ms("ts_ms", "when it was done"),
    text("account_id", "account that did it; empty: nobody was signed in", max_length=80),
    text("actor", "its name at that time", max_length=120),
    text("method", "by what: session, token, form, command line", max_length=32),
    text("action", "what was done, a stable word", max_length=64),
    text("subject", "to what: a camera, a recording, an account", max_length=120),
    choice("outcome", AuditOutcome, "what came of it"),
    text("address", "from which address", max_length=64),
    text("device", "how the browser or program calls itself, in words", max_length=120),
    text("detail", "what else is known; no passwords", max_length=500),
    index("ix_audit_log_time", "ts_ms", "id"),
    index("ix_audit_log_account", "account_id", "ts_ms", "id"),
    index("ix_audit_log_action", "action", "ts_ms", "id"),
    index("ix_audit_log_subject", "subject", "ts_ms", "id"),
    index("ix_audit_log_outcome", "outcome", "ts_ms", "id"),
    index("ix_audit_log_address", "address", "ts_ms", "id"),
)
