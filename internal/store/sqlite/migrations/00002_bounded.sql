-- +goose Up

-- The end of an account is written to its own row; what it means for the orders is derived.
DROP INDEX orders_open;

-- An abandoned intent stays as a record. Those that have not ended stand together: only they are looked for.
CREATE TABLE intents_new (
    abandoned    INTEGER NOT NULL DEFAULT 0, -- when it was; 0: it has not ended
    id           TEXT    NOT NULL,
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
    PRIMARY KEY (abandoned, id),
    FOREIGN KEY (issuer, shard) REFERENCES crl_shards (issuer, number)
) STRICT;
INSERT INTO intents_new
SELECT 0, id, organisation, connector, account, order_id, profile, profile_name, issuer, serial, names, not_before, not_after,
       key_hash, shard, begun, tbs
FROM intents;
DROP TABLE intents;
ALTER TABLE intents_new RENAME TO intents;
CREATE UNIQUE INDEX intents_serial ON intents (serial, issuer);
CREATE INDEX intents_key ON intents (key_hash) WHERE abandoned > 0;
CREATE INDEX intents_ends ON intents (not_after) WHERE abandoned > 0;

-- The newest certificate of a key that is not revoked is found without reading the others.
DROP INDEX certificates_key;
CREATE INDEX certificates_key ON certificates (substr(key_hash, 1, 8), revoked, not_after);

-- Until when a blocked key has a certificate that is valid and not revoked; 0: it has none.
ALTER TABLE blocked_keys ADD COLUMN open INTEGER NOT NULL DEFAULT 0;
UPDATE blocked_keys
SET open = coalesce((SELECT max(not_after) FROM certificates c
    WHERE substr(c.key_hash, 1, 8) = substr(blocked_keys.key_hash, 1, 8) AND c.key_hash = blocked_keys.key_hash AND c.revoked = 0), 0);
CREATE INDEX blocked_keys_open ON blocked_keys (open) WHERE open > 0;

-- How many times the dates of the log had been accepted when the event was written.
ALTER TABLE events ADD COLUMN clock INTEGER NOT NULL DEFAULT 0;
CREATE INDEX events_clock ON events (clock, id) WHERE clock > 0;

-- Whether the event leaves by retention.
ALTER TABLE events ADD COLUMN routine INTEGER NOT NULL DEFAULT 0;
UPDATE events SET routine = 1 WHERE action GLOB 'order.*' OR action GLOB 'authorization.*' OR action = 'crl.published';
CREATE INDEX events_routine ON events (at) WHERE routine = 1;
