-- Logs of other cities that this one vouches for: the latest checkpoint of each that it cosigned.
CREATE TABLE audit_seen (
    origin text PRIMARY KEY,
    size bigint NOT NULL,
    root bytea NOT NULL,
    note text NOT NULL,
    at timestamptz NOT NULL
);
-- What of a data set's privacy budget (differential privacy) is spent in one period. Millionths of epsilon: sums are exact.
CREATE TABLE privacy_spent (
    dataset text NOT NULL,
    period bigint NOT NULL,
    spent_micro bigint NOT NULL,
    PRIMARY KEY (dataset, period)
);
-- What the detector said of somebody, what was done about it, until when, and who released them.
CREATE TABLE verdict (
    id text PRIMARY KEY,
    kind text NOT NULL,
    subject text NOT NULL,
    at timestamptz NOT NULL,
    features json NOT NULL,
    act text NOT NULL,
    until timestamptz NOT NULL,
    released_at timestamptz,
    released_by text
);
CREATE INDEX verdict_at ON verdict (at);
-- Tokens at sources are sealed; who comes with one is known by its hash.
ALTER TABLE subscription_at_source ADD COLUMN token_hash bytea;
UPDATE subscription_at_source SET token_hash = sha256(convert_to(token, 'UTF8'));
ALTER TABLE subscription_at_source ALTER COLUMN token_hash SET NOT NULL;
ALTER TABLE subscription_at_source DROP CONSTRAINT subscription_at_source_token_key;
CREATE UNIQUE INDEX subscription_at_source_token ON subscription_at_source (token_hash);
