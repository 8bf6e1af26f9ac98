-- +goose Up

-- Renewal information.

-- The certificate that an order or a certificate takes the place of; '' when none was named.
ALTER TABLE orders ADD COLUMN replaces TEXT NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN replaces_as TEXT NOT NULL DEFAULT ''; -- how the client named it
ALTER TABLE orders ADD COLUMN replacing INTEGER NOT NULL DEFAULT 0; -- 1: no other order has come in its place since
CREATE UNIQUE INDEX orders_replacing ON orders (replaces) WHERE replacing = 1; -- no certificate is replaced by two
ALTER TABLE intents ADD COLUMN replaces TEXT NOT NULL DEFAULT '';
ALTER TABLE certificates ADD COLUMN replaces TEXT NOT NULL DEFAULT '';
CREATE INDEX certificates_replaces ON certificates (replaces) WHERE replaces <> '';

CREATE TABLE renewal_overrides (
    id          TEXT    NOT NULL PRIMARY KEY,
    selects     TEXT    NOT NULL, -- which certificates
    starts      INTEGER NOT NULL,
    ends        INTEGER NOT NULL,
    explanation TEXT    NOT NULL,
    created     INTEGER NOT NULL,
    ended       INTEGER NOT NULL -- 0: in force
) STRICT, WITHOUT ROWID;
CREATE INDEX renewal_overrides_in_force ON renewal_overrides (id) WHERE ended = 0;

-- Credentials and their scope.

ALTER TABLE credentials ADD COLUMN scope TEXT NOT NULL DEFAULT '{}';
ALTER TABLE credentials ADD COLUMN former BLOB NOT NULL DEFAULT x''; -- the secret before the last rotation
ALTER TABLE credentials ADD COLUMN former_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE authorizations ADD COLUMN approval TEXT; -- NULL: control has to be proven

-- What is to be revoked of a credential that was stopped. The last demand of each stays as a record.
CREATE TABLE demands (
    credential   TEXT    NOT NULL PRIMARY KEY, -- no reference: it outlives the credential
    name         TEXT    NOT NULL,
    organisation TEXT    NOT NULL,
    actor        TEXT    NOT NULL,
    reason       INTEGER NOT NULL,
    asked        INTEGER NOT NULL,
    revoked      INTEGER NOT NULL DEFAULT 0, -- how many certificates so far
    ended        INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX demands_open ON demands (credential) WHERE ended = 0;

-- Challenges and authorizations.

-- 1: the authorization covers the names below its own besides (RFC 9444).
ALTER TABLE authorizations ADD COLUMN subdomains INTEGER NOT NULL DEFAULT 0;

-- Thumbprints of the keys that the account had before, the latest first: records in DNS name them.
ALTER TABLE accounts ADD COLUMN former TEXT NOT NULL DEFAULT '[]';

-- Revocation lists and OCSP.

-- How many more certificates may join a shard, so that its list stays small even when all of them are revoked. The shards
-- that are there count as full: the next certificate opens another.
ALTER TABLE crl_shards ADD COLUMN room INTEGER NOT NULL DEFAULT 0 CHECK (room >= 0);

-- What was abandoned stands on the lists too: it may have been signed.
CREATE INDEX intents_entries ON intents (issuer, shard, not_after, abandoned, serial) WHERE abandoned > 0;
UPDATE crl_shards SET stale = 1
WHERE EXISTS (SELECT 1 FROM intents i WHERE i.abandoned > 0 AND i.issuer = crl_shards.issuer AND i.shard = crl_shards.number);

-- Issuers and profiles.

-- What lint warned of: a JSON list, or NULL for nothing.
ALTER TABLE intents ADD COLUMN warnings TEXT;
ALTER TABLE certificates ADD COLUMN warnings TEXT;

-- Perspectives.

CREATE TABLE perspectives (
    id      TEXT    NOT NULL PRIMARY KEY,
    name    TEXT    NOT NULL UNIQUE,
    url     TEXT    NOT NULL,
    key     BLOB    NOT NULL, -- SHA-256 of its SubjectPublicKeyInfo
    region  TEXT    NOT NULL,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- CAA.

-- What CAA records said of the names of an order when it was refused, or when its issuance began. It stands apart from the
-- orders, which are read often.
CREATE TABLE order_checks (
    order_id TEXT NOT NULL PRIMARY KEY REFERENCES orders (id),
    checks   TEXT NOT NULL
) STRICT;

-- Limits.

-- What was taken of a limit. Here alone times are microseconds, so that rates of many a second are exact.
CREATE TABLE limits (
    connector TEXT    NOT NULL REFERENCES connectors (id),
    kind      TEXT    NOT NULL,
    subject   TEXT    NOT NULL,
    arrival   INTEGER NOT NULL, -- all is earned again by then
    in_a_row  INTEGER NOT NULL, -- failures
    PRIMARY KEY (connector, kind, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX limits_arrival ON limits (arrival);

SELECT 1;
