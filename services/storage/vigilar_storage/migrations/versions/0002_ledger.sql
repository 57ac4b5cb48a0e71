CREATE TABLE ledger (
    seq INTEGER NOT NULL,
    ts_ms INTEGER NOT NULL CONSTRAINT ck_ledger_ts_ms CHECK (ts_ms BETWEEN 0 AND 281474976710655),
    mono_ms INTEGER NOT NULL CONSTRAINT ck_ledger_mono_ms CHECK (mono_ms >= 0),
    boot_id TEXT NOT NULL CONSTRAINT ck_ledger_boot_id CHECK (length(boot_id) <= 36),
    type TEXT NOT NULL CONSTRAINT ck_ledger_type CHECK (length(type) <= 32),
    subject TEXT NOT NULL CONSTRAINT ck_ledger_subject CHECK (length(subject) <= 80),
    body TEXT NOT NULL CONSTRAINT ck_ledger_body CHECK (length(body) <= 65536),
    prev_hash TEXT NOT NULL CONSTRAINT ck_ledger_prev_hash CHECK (length(prev_hash) <= 64),
    hash TEXT NOT NULL CONSTRAINT ck_ledger_hash CHECK (length(hash) <= 64),
    CONSTRAINT pk_ledger PRIMARY KEY (seq),
    CONSTRAINT ck_ledger_hashes CHECK (length(prev_hash) = 64 AND length(hash) = 64)
)
 STRICT;

CREATE TABLE ledger_checkpoints (
    size INTEGER NOT NULL,
    root TEXT NOT NULL CONSTRAINT ck_ledger_checkpoints_root CHECK (length(root) <= 64),
    note TEXT NOT NULL CONSTRAINT ck_ledger_checkpoints_note CHECK (length(note) <= 4096),
    ts_ms INTEGER NOT NULL CONSTRAINT ck_ledger_checkpoints_ts_ms CHECK (ts_ms BETWEEN 0 AND 281474976710655),
    reason TEXT NOT NULL CONSTRAINT ck_ledger_checkpoints_reason CHECK (length(reason) <= 32),
    CONSTRAINT pk_ledger_checkpoints PRIMARY KEY (size)
)
 STRICT;

CREATE INDEX ix_ledger_subject ON ledger (subject, type, seq);

CREATE INDEX ix_ledger_type ON ledger (type, seq);
