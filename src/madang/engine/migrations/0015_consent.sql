-- A person's own space, what they agreed to, who looked, and what apps were asked to erase (docs/decisions/0027).
CREATE TABLE personal_item (
    person text NOT NULL,
    kind text NOT NULL,
    id text NOT NULL,
    body jsonb NOT NULL,
    modified_at timestamptz NOT NULL,
    PRIMARY KEY (person, kind, id)
);
CREATE TABLE consent (
    id text PRIMARY KEY,
    person text NOT NULL,
    app text NOT NULL,
    pseudonym text NOT NULL, -- of the person for this app, and for no other
    kind text NOT NULL,
    members text[], -- NULL: all of them
    purpose text NOT NULL,
    retention_days int NOT NULL,
    granted_at timestamptz NOT NULL,
    withdrawn_at timestamptz
);
CREATE UNIQUE INDEX consent_active ON consent (person, app, kind, purpose) WHERE withdrawn_at IS NULL;
CREATE INDEX consent_of_app ON consent (app, purpose, kind, pseudonym) WHERE withdrawn_at IS NULL;
CREATE TABLE personal_read (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    consent text NOT NULL,
    person text NOT NULL,
    app text NOT NULL,
    kind text NOT NULL,
    purpose text NOT NULL,
    items text[] NOT NULL,
    members text[] -- NULL: all of them
);
CREATE INDEX personal_read_person ON personal_read (person, seq);
CREATE INDEX personal_read_consent ON personal_read (consent, at);
CREATE TABLE erasure (
    id text PRIMARY KEY,
    person text, -- NULL when the person deleted everything
    consent text NOT NULL,
    app text NOT NULL,
    pseudonym text NOT NULL,
    kind text NOT NULL,
    purpose text NOT NULL,
    up_to timestamptz NOT NULL, -- what was read until then
    why text NOT NULL, -- withdrawn, narrowed, deleted, removed, retention
    asked_at timestamptz NOT NULL,
    receipt jsonb,
    receipted_at timestamptz
);
CREATE INDEX erasure_due ON erasure (app, asked_at) WHERE receipted_at IS NULL;
CREATE INDEX erasure_consent ON erasure (consent, up_to);
CREATE INDEX erasure_person ON erasure (person, asked_at);
