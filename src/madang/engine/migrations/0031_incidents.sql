-- Incidents (docs/decisions/0039). An act and its line of the log are one transaction.
CREATE TABLE incident (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('low', 'medium', 'high', 'critical')),
    title text NOT NULL,
    source text NOT NULL,
    reference text NOT NULL, -- what its source calls it; empty: nothing
    place point, -- longitude, latitude
    state text NOT NULL CHECK (state IN ('open', 'acknowledged', 'resolved')),
    owner text NOT NULL DEFAULT '',
    level int NOT NULL DEFAULT 0, -- how often it was escalated
    opened_at timestamptz NOT NULL,
    acknowledge_by timestamptz NOT NULL,
    resolve_by timestamptz NOT NULL,
    acknowledged_at timestamptz,
    resolved_at timestamptz,
    merged_into bigint REFERENCES incident CHECK (merged_into <> id),
    version int NOT NULL DEFAULT 1, -- grows with every change
    shown int NOT NULL DEFAULT 0 -- the version of its entity
);
CREATE UNIQUE INDEX incident_reference ON incident (source, reference) WHERE reference <> '' AND state <> 'resolved';
CREATE INDEX incident_source ON incident (source, id DESC);
CREATE INDEX incident_open ON incident (id) WHERE state <> 'resolved';
CREATE INDEX incident_opened ON incident (opened_at DESC);
CREATE INDEX incident_merged ON incident (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX incident_unshown ON incident (id) WHERE shown < version;
CREATE TABLE incident_entry ( -- the log; nothing of it is changed
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident bigint NOT NULL REFERENCES incident,
    at timestamptz NOT NULL,
    who text NOT NULL,
    what text NOT NULL,
    text text NOT NULL,
    details json NOT NULL
);
CREATE INDEX incident_entry_of ON incident_entry (incident, id);
CREATE TABLE incident_step (
    incident bigint NOT NULL REFERENCES incident,
    step text NOT NULL,
    who text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (incident, step)
);
CREATE TABLE incident_alert ( -- Alert entities as they were taken in, so that each change of one counts once
    alert text PRIMARY KEY,
    seq bigint NOT NULL
);
CREATE TABLE hand_over ( -- at a change of shift
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    giver text NOT NULL,
    receiver text NOT NULL,
    text text NOT NULL,
    incidents json NOT NULL, -- as they were when it was written
    made_at timestamptz NOT NULL,
    accepted_at timestamptz
);
CREATE INDEX hand_over_waiting ON hand_over (receiver) WHERE accepted_at IS NULL;
