-- The life of apps: versions, an update that waits, what happened to them, what they used (docs/decisions/0029).
ALTER TABLE app
    ADD COLUMN number int GENERATED ALWAYS AS IDENTITY, -- its user on the machine is made of it; never given again
    ADD COLUMN version text NOT NULL DEFAULT '',
    ADD COLUMN waiting text, -- a version that asks for more than was granted
    ADD COLUMN verified boolean NOT NULL DEFAULT false; -- its publisher is who they say
UPDATE app SET version = manifest->>'version';
CREATE TABLE app_version (
    app text NOT NULL,
    version text NOT NULL,
    folder text NOT NULL,
    manifest jsonb NOT NULL,
    sha256 text NOT NULL DEFAULT '', -- of its package; none of a folder of this machine
    python text NOT NULL DEFAULT '', -- of its virtual environment
    used_at timestamptz NOT NULL,
    PRIMARY KEY (app, version)
);
INSERT INTO app_version (app, version, folder, manifest, used_at)
    SELECT id, version, folder, manifest, installed_at FROM app;
CREATE TABLE app_event (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    app text NOT NULL,
    at timestamptz NOT NULL,
    kind text NOT NULL,
    detail text NOT NULL
);
CREATE INDEX app_event_of ON app_event (app, seq);
CREATE TABLE app_usage (
    app_id text NOT NULL,
    tenant text NOT NULL,
    hour timestamptz NOT NULL,
    measure text NOT NULL,
    amount numeric NOT NULL,
    PRIMARY KEY (app_id, tenant, hour, measure)
);
-- How far a counter outside of the database was read, so that nothing is counted twice or left out.
CREATE TABLE app_counted (
    source text NOT NULL,
    app_id text NOT NULL,
    tenant text NOT NULL,
    measure text NOT NULL,
    amount numeric NOT NULL,
    PRIMARY KEY (app_id, tenant, measure, source)
);
