"""The ledger and its checkpoints: what proves that evidence was not changed (docs/design/ledger.md)."""

from __future__ import annotations

import sqlalchemy as sa

from vigilar_storage.schema.columns import index, number, table, text, time_ms

ledger = table(
    "ledger",
    "The hash chain over everything that happened to evidence; rows are only ever added.",
    sa.Column("seq", sa.Integer, primary_key=True, nullable=False, comment="1, 2, 3 … without gaps"),
    time_ms("ts_ms", "when it was written"),
    number("mono_ms", "monotonic clock when it was written, ms since an arbitrary start"),
    text("boot_id", "run of the kernel that wrote it, a UUID", max_length=36),
    text("type", "what happened: opened, finalised, deleted, …", max_length=32),
    text("subject", "what it happened to: id of a recording, picture, gap, fact or key", max_length=80),
    text("body", "what else is known; canonical JSON", max_length=65_536),
    text("prev_hash", "hash of the entry before, hex", max_length=64),
    text("hash", "SHA-256 of a zero byte and this entry as canonical JSON, hex", max_length=64),
    sa.CheckConstraint("length(prev_hash) = 64 AND length(hash) = 64", "hashes"),
    index("ix_ledger_subject", "subject", "type", "seq"),
    index("ix_ledger_type", "type", "seq"),
)

ledger_checkpoints = table(
    "ledger_checkpoints",
    "Signed statements of the ledger's size and root; copies of them are kept elsewhere.",
    sa.Column("size", sa.Integer, primary_key=True, nullable=False, comment="entries that it covers"),
    text("root", "RFC 6962 root over those entries, hex", max_length=64),
    text("note", "the signed note (C2SP tlog-checkpoint)", max_length=4_096),
    time_ms("ts_ms", "when it was made"),
    text("reason", "why: hourly, alarm, stop, start, backup, …", max_length=32),
)
