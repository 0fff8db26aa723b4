-- Logs of other cities that this one vouches for: the latest checkpoint of each that it cosigned.
CREATE TABLE audit_seen (
    origin text PRIMARY KEY,
    size bigint NOT NULL,
    root bytea NOT NULL,
    note text NOT NULL,
    at timestamptz NOT NULL
);
