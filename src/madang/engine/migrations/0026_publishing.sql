CREATE TABLE dataset_publication ( -- a version that somebody wants published, and what became of it
    dataset text NOT NULL REFERENCES dataset ON DELETE CASCADE,
    version int NOT NULL,
    state text NOT NULL CHECK (state IN ('checking', 'refused', 'waiting', 'declined', 'published', 'withdrawn')),
    columns text[] NOT NULL, -- those that are published
    of_places text[] NOT NULL, -- of them, those whose names and addresses are no person's
    checks json NOT NULL DEFAULT '[]', -- findings of the gate
    rows bigint NOT NULL DEFAULT 0,
    files json NOT NULL DEFAULT '{}', -- by form: bytes and SHA-256
    shown json, -- how its columns are, a sample, places
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    decided_by text NOT NULL DEFAULT '',
    why text NOT NULL DEFAULT '',
    decided_at timestamptz,
    PRIMARY KEY (dataset, version)
);
CREATE INDEX dataset_publication_state ON dataset_publication (state, asked_at);
CREATE UNIQUE INDEX dataset_publication_open ON dataset_publication (dataset) WHERE state IN ('checking', 'waiting');
CREATE TABLE dataset_use ( -- who asks for a data set, by day; of people from outside only how many
    dataset text NOT NULL REFERENCES dataset ON DELETE CASCADE,
    day date NOT NULL,
    who text NOT NULL,
    way text NOT NULL, -- page, file, api, sql
    times bigint NOT NULL,
    PRIMARY KEY (dataset, day, who, way)
);
CREATE TABLE lineage_event ( -- OpenLineage
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    job text NOT NULL,
    run uuid NOT NULL,
    inputs text[] NOT NULL,
    outputs text[] NOT NULL,
    event json NOT NULL
);
CREATE INDEX lineage_event_inputs ON lineage_event USING gin (inputs);
CREATE INDEX lineage_event_outputs ON lineage_event USING gin (outputs);
CREATE TABLE dataset_feedback (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dataset text NOT NULL REFERENCES dataset ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('comment', 'fault', 'reuse')),
    text text NOT NULL,
    address text NOT NULL DEFAULT '', -- of a reuse
    written_by text NOT NULL,
    written_at timestamptz NOT NULL,
    answer text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'shown', 'hidden'))
);
CREATE INDEX dataset_feedback_of ON dataset_feedback (dataset, state, written_at DESC);
CREATE TABLE dataset_request ( -- data that somebody misses
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    title text NOT NULL,
    text text NOT NULL,
    written_by text NOT NULL,
    written_at timestamptz NOT NULL,
    answer text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'shown', 'hidden'))
);
CREATE INDEX dataset_request_state ON dataset_request (state, written_at DESC);
ALTER TABLE dataset ADD COLUMN indexed_at timestamptz, -- when `words` were made; before `changed_at`: to be made anew
    ADD COLUMN shown json; -- of the version that is published; `report` is of what came last, and nobody else's
CREATE TABLE dataset_incident ( -- a promise that is broken, told as an Alert
    dataset text NOT NULL REFERENCES dataset ON DELETE CASCADE,
    promise text NOT NULL, -- freshness, or schema
    alert text NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (dataset, promise)
);
