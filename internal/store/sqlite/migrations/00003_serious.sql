-- +goose Up

-- Renewal information.

-- Credentials and their scope.

-- Challenges and authorizations.

-- Revocation lists and OCSP.

-- Issuers and profiles.

-- Limits.

SELECT 1;
