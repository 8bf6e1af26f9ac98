-- +goose Up

-- Times are seconds since 1970, 0 when there is none. Ids are text that sorts by time. Lists and declarations are JSON.

PRAGMA application_id = 1163283526; -- "EVLF"

CREATE TABLE organisations (
    id      TEXT    NOT NULL PRIMARY KEY,
    name    TEXT    NOT NULL UNIQUE,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE issuers (
    id           TEXT    NOT NULL PRIMARY KEY,
    organisation TEXT    NOT NULL REFERENCES organisations (id),
    name         TEXT    NOT NULL,
    parent       TEXT             REFERENCES issuers (id),
    certificate  BLOB    NOT NULL,
    key          TEXT    NOT NULL,
    created      INTEGER NOT NULL,
    not_before   INTEGER NOT NULL,
    not_after    INTEGER NOT NULL,
    shard        INTEGER NOT NULL -- the open one, see crl_shards
) STRICT, WITHOUT ROWID;

CREATE TABLE crl_shards (
    issuer      TEXT    NOT NULL REFERENCES issuers (id),
    number      INTEGER NOT NULL CHECK (number > 0),
    url         TEXT    NOT NULL,
    crl_number  INTEGER NOT NULL DEFAULT 0,
    this_update INTEGER NOT NULL DEFAULT 0,
    next_update INTEGER NOT NULL DEFAULT 0,
    stale       INTEGER NOT NULL DEFAULT 0, -- a revocation is not on the list
    amended     INTEGER NOT NULL DEFAULT 0, -- a reason changed since the list was saved
    PRIMARY KEY (issuer, number)
) STRICT, WITHOUT ROWID;

-- The bytes stand apart, so that marking a shard stale does not rewrite them.
CREATE TABLE crls (
    issuer TEXT    NOT NULL,
    number INTEGER NOT NULL,
    der    BLOB    NOT NULL,
    PRIMARY KEY (issuer, number),
    FOREIGN KEY (issuer, number) REFERENCES crl_shards (issuer, number)
) STRICT;

CREATE TABLE profiles (
    id           TEXT    NOT NULL PRIMARY KEY,
    organisation TEXT    NOT NULL REFERENCES organisations (id),
    name         TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    created      INTEGER NOT NULL,
    spec         TEXT    NOT NULL,
    UNIQUE (organisation, name, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE connectors (
    id           TEXT    NOT NULL PRIMARY KEY,
    organisation TEXT    NOT NULL REFERENCES organisations (id),
    name         TEXT    NOT NULL UNIQUE,
    kind         TEXT    NOT NULL,
    created      INTEGER NOT NULL,
    suspended    INTEGER NOT NULL,
    rules        TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE credentials (
    id           TEXT    NOT NULL PRIMARY KEY,
    organisation TEXT    NOT NULL REFERENCES organisations (id),
    connector    TEXT    NOT NULL REFERENCES connectors (id),
    name         TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    sealed       BLOB    NOT NULL,
    max_accounts INTEGER NOT NULL,
    created      INTEGER NOT NULL,
    expires      INTEGER NOT NULL,
    suspended    INTEGER NOT NULL,
    UNIQUE (connector, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
    id           TEXT    NOT NULL PRIMARY KEY,
    connector    TEXT    NOT NULL REFERENCES connectors (id),
    thumbprint   TEXT    NOT NULL,
    jwk          TEXT    NOT NULL,
    contacts     TEXT    NOT NULL,
    terms_agreed INTEGER NOT NULL,
    credential   TEXT    NOT NULL, -- no reference: it outlives the credential
    binding      BLOB,
    created      INTEGER NOT NULL,
    deactivated  INTEGER NOT NULL,
    revoked      INTEGER NOT NULL,
    UNIQUE (thumbprint, connector)
) STRICT, WITHOUT ROWID;
CREATE INDEX accounts_connector ON accounts (connector, id);
CREATE INDEX accounts_credential ON accounts (credential) WHERE credential <> '';

CREATE TABLE orders (
    id             TEXT    NOT NULL PRIMARY KEY,
    account        TEXT    NOT NULL REFERENCES accounts (id),
    connector      TEXT    NOT NULL,
    profile        TEXT    NOT NULL REFERENCES profiles (id),
    profile_name   TEXT    NOT NULL,
    identifiers    TEXT    NOT NULL,
    not_before     INTEGER NOT NULL,
    not_after      INTEGER NOT NULL,
    created        INTEGER NOT NULL,
    expires        INTEGER NOT NULL,
    authorizations TEXT    NOT NULL,
    begun          INTEGER NOT NULL,
    failure        TEXT,
    certificate    TEXT    NOT NULL,
    ends           INTEGER -- when it outlives its use: its expiry, its failure, its certificate's expiry; NULL while it is processing
) STRICT, WITHOUT ROWID;
CREATE INDEX orders_account ON orders (account, id);
CREATE INDEX orders_ends ON orders (ends) WHERE ends IS NOT NULL;
CREATE INDEX orders_open ON orders (account) WHERE begun = 0 AND failure IS NULL;

CREATE TABLE authorizations (
    id          TEXT    NOT NULL PRIMARY KEY,
    account     TEXT    NOT NULL REFERENCES accounts (id),
    connector   TEXT    NOT NULL,
    covers      TEXT    NOT NULL, -- the identifier, "*." included
    created     INTEGER NOT NULL,
    expires     INTEGER NOT NULL,
    deactivated INTEGER NOT NULL,
    revoked     INTEGER NOT NULL,
    valid       INTEGER NOT NULL, -- 1: usable until it expires
    processing  INTEGER NOT NULL, -- since when a challenge is; 0: none
    ends        INTEGER NOT NULL, -- from when on it is neither pending nor valid
    orders      INTEGER NOT NULL, -- how many orders name it
    challenges  TEXT    NOT NULL
) STRICT;
CREATE INDEX authorizations_valid ON authorizations (account, covers) WHERE valid = 1;
CREATE INDEX authorizations_processing ON authorizations (processing) WHERE processing > 0;
CREATE INDEX authorizations_unused ON authorizations (ends) WHERE orders = 0;

-- An intent has the id of the certificate that it becomes.
CREATE TABLE intents (
    id           TEXT    NOT NULL PRIMARY KEY,
    organisation TEXT    NOT NULL,
    connector    TEXT    NOT NULL,
    account      TEXT    NOT NULL,
    order_id     TEXT    NOT NULL,
    profile      TEXT    NOT NULL,
    profile_name TEXT    NOT NULL,
    issuer       TEXT    NOT NULL REFERENCES issuers (id),
    serial       BLOB    NOT NULL,
    names        TEXT    NOT NULL,
    not_before   INTEGER NOT NULL,
    not_after    INTEGER NOT NULL,
    key_hash     BLOB    NOT NULL,
    shard        INTEGER, -- NULL: no list names it
    begun        INTEGER NOT NULL,
    tbs          BLOB    NOT NULL,
    FOREIGN KEY (issuer, shard) REFERENCES crl_shards (issuer, number)
) STRICT;
CREATE UNIQUE INDEX intents_serial ON intents (serial, issuer); -- few rows are here at a time: no more indexes

CREATE TABLE certificates (
    id           TEXT    NOT NULL PRIMARY KEY,
    organisation TEXT    NOT NULL,
    connector    TEXT    NOT NULL,
    account      TEXT    NOT NULL,
    order_id     TEXT    NOT NULL, -- no reference: it outlives the order
    profile      TEXT    NOT NULL,
    profile_name TEXT    NOT NULL,
    issuer       TEXT    NOT NULL REFERENCES issuers (id),
    serial       BLOB    NOT NULL,
    names        TEXT    NOT NULL,
    not_before   INTEGER NOT NULL,
    not_after    INTEGER NOT NULL,
    key_hash     BLOB    NOT NULL,
    shard        INTEGER,
    issued       INTEGER NOT NULL,
    revoked      INTEGER NOT NULL DEFAULT 0,
    reason       INTEGER NOT NULL DEFAULT 0,
    der          BLOB    NOT NULL,
    FOREIGN KEY (issuer, shard) REFERENCES crl_shards (issuer, number)
) STRICT;
CREATE UNIQUE INDEX certificates_serial ON certificates (serial, issuer);
CREATE UNIQUE INDEX certificates_order ON certificates (order_id) WHERE order_id <> ''; -- no order has two
CREATE INDEX certificates_account ON certificates (account, id);
CREATE INDEX certificates_key ON certificates (substr(key_hash, 1, 8));
CREATE INDEX certificates_expiry ON certificates (not_after);
CREATE INDEX certificates_revoked ON certificates (id) WHERE revoked > 0;
CREATE INDEX certificates_entries ON certificates (issuer, shard, not_after, revoked, serial, reason) WHERE revoked > 0;

-- DNS names with their labels reversed, so that everything below a domain is one range; addresses as they are.
CREATE TABLE certificate_names (
    name        TEXT NOT NULL,
    certificate TEXT NOT NULL REFERENCES certificates (id),
    PRIMARY KEY (name, certificate)
) STRICT, WITHOUT ROWID;

CREATE TABLE blocked_keys (
    key_hash BLOB    NOT NULL PRIMARY KEY,
    since    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    id           TEXT    NOT NULL PRIMARY KEY,
    at           INTEGER NOT NULL,
    organisation TEXT    NOT NULL,
    actor        TEXT    NOT NULL,
    action       TEXT    NOT NULL,
    object       TEXT    NOT NULL,
    detail       TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX events_object ON events (object, id);

CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row that Ping rewrites.
CREATE TABLE pulse (
    beat INTEGER NOT NULL
) STRICT;
INSERT INTO pulse (beat) VALUES (0);
