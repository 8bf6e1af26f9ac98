-- +goose Up

-- Renewal information.

-- Credentials and their scope.

-- Challenges and authorizations.

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

-- Limits.

SELECT 1;
