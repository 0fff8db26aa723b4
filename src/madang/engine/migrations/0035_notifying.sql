-- Who is told of incidents, and what became of it (docs/operations-centre.md). The log of incidents is the outbox.
CREATE TABLE notify_wish (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    who text NOT NULL, -- role:ROLE or person:ID
    body json NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL
);
CREATE INDEX notify_wish_who ON notify_wish (who);
CREATE TABLE notify_reach ( -- how people are reached
    who text PRIMARY KEY,
    body json NOT NULL
);
CREATE TABLE notice_seen ( -- lines of the log that were decided upon
    entry bigint PRIMARY KEY REFERENCES incident_entry
);
CREATE INDEX incident_entry_telling ON incident_entry (at) WHERE what IN ('opened', 'graded', 'escalated');
CREATE TABLE notice (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key uuid NOT NULL DEFAULT gen_random_uuid(), -- the same at each attempt
    entry bigint NOT NULL REFERENCES incident_entry,
    incident bigint NOT NULL REFERENCES incident,
    step text NOT NULL,
    severity text NOT NULL,
    who text NOT NULL,
    channel text NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'sent', 'failed', 'bounded')),
    attempts int NOT NULL DEFAULT 0,
    made_at timestamptz NOT NULL,
    next_at timestamptz NOT NULL,
    done_at timestamptz,
    error text NOT NULL DEFAULT '',
    simulated boolean NOT NULL DEFAULT false,
    UNIQUE (entry, who, channel)
);
CREATE INDEX notice_waiting ON notice (next_at) WHERE state = 'waiting';
CREATE INDEX notice_of ON notice (who, made_at DESC);
CREATE INDEX notice_made ON notice (made_at DESC);
