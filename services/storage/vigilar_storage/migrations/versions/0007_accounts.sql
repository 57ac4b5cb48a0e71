CREATE TABLE accounts (
    id TEXT NOT NULL CONSTRAINT ck_accounts_id CHECK (length(id) BETWEEN 1 AND 80),
    name TEXT NOT NULL CONSTRAINT ck_accounts_name CHECK (length(name) <= 120),
    role TEXT NOT NULL CONSTRAINT ck_accounts_role CHECK (role IN ('admin', 'resident', 'viewer')),
    all_cameras INTEGER DEFAULT 1 NOT NULL CONSTRAINT ck_accounts_all_cameras CHECK (all_cameras IN (0, 1)),
    cameras TEXT DEFAULT '[]' NOT NULL CONSTRAINT ck_accounts_cameras CHECK (json_valid(cameras)),
    disabled INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_accounts_disabled CHECK (disabled IN (0, 1)),
    revision INTEGER NOT NULL CONSTRAINT ck_accounts_revision CHECK (revision >= 1),
    created_ms INTEGER NOT NULL CONSTRAINT ck_accounts_created_ms CHECK (created_ms BETWEEN 0 AND 281474976710655),
    updated_ms INTEGER NOT NULL CONSTRAINT ck_accounts_updated_ms CHECK (updated_ms BETWEEN 0 AND 281474976710655),
    CONSTRAINT pk_accounts PRIMARY KEY (id),
    CONSTRAINT ck_accounts_cameras_array CHECK (json_type(cameras) = 'array')
)
 STRICT;

CREATE TABLE credentials (
    id TEXT NOT NULL CONSTRAINT ck_credentials_id CHECK (length(id) BETWEEN 1 AND 80),
    account_id TEXT NOT NULL,
    kind TEXT NOT NULL CONSTRAINT ck_credentials_kind CHECK (kind IN ('password', 'totp', 'recovery', 'passkey', 'token', 'invite')),
    label TEXT DEFAULT '' NOT NULL CONSTRAINT ck_credentials_label CHECK (length(label) <= 120),
    proof TEXT NOT NULL CONSTRAINT ck_credentials_proof CHECK (length(proof) <= 4096),
    detail TEXT DEFAULT '{}' NOT NULL CONSTRAINT ck_credentials_detail CHECK (json_valid(detail)),
    created_ms INTEGER NOT NULL CONSTRAINT ck_credentials_created_ms CHECK (created_ms BETWEEN 0 AND 281474976710655),
    expires_ms INTEGER CONSTRAINT ck_credentials_expires_ms CHECK (expires_ms BETWEEN 0 AND 281474976710655),
    CONSTRAINT pk_credentials PRIMARY KEY (id),
    CONSTRAINT fk_credentials_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
)
 STRICT;

CREATE TABLE audit_log (
    id TEXT NOT NULL CONSTRAINT ck_audit_log_id CHECK (length(id) BETWEEN 1 AND 80),
    ts_ms INTEGER NOT NULL CONSTRAINT ck_audit_log_ts_ms CHECK (ts_ms BETWEEN 0 AND 281474976710655),
    account_id TEXT NOT NULL CONSTRAINT ck_audit_log_account_id CHECK (length(account_id) <= 80),
    actor TEXT NOT NULL CONSTRAINT ck_audit_log_actor CHECK (length(actor) <= 120),
    method TEXT NOT NULL CONSTRAINT ck_audit_log_method CHECK (length(method) <= 32),
    action TEXT NOT NULL CONSTRAINT ck_audit_log_action CHECK (length(action) <= 64),
    subject TEXT NOT NULL CONSTRAINT ck_audit_log_subject CHECK (length(subject) <= 120),
    outcome TEXT NOT NULL CONSTRAINT ck_audit_log_outcome CHECK (outcome IN ('done', 'refused', 'failed')),
    address TEXT NOT NULL CONSTRAINT ck_audit_log_address CHECK (length(address) <= 64),
    device TEXT NOT NULL CONSTRAINT ck_audit_log_device CHECK (length(device) <= 120),
    detail TEXT NOT NULL CONSTRAINT ck_audit_log_detail CHECK (length(detail) <= 500),
    CONSTRAINT pk_audit_log PRIMARY KEY (id)
)
 STRICT;

CREATE UNIQUE INDEX uq_accounts_name ON accounts (lower(name));

CREATE INDEX ix_credentials_account ON credentials (account_id, id);

CREATE INDEX ix_audit_log_account ON audit_log (account_id, ts_ms, id);

CREATE INDEX ix_audit_log_action ON audit_log (action, ts_ms, id);

CREATE INDEX ix_audit_log_address ON audit_log (address, ts_ms, id);

CREATE INDEX ix_audit_log_outcome ON audit_log (outcome, ts_ms, id);

CREATE INDEX ix_audit_log_subject ON audit_log (subject, ts_ms, id);

CREATE INDEX ix_audit_log_time ON audit_log (ts_ms, id);
