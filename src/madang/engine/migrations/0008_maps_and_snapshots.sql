-- Which entities a query found, and where (clause 5.14): its pages stay apart while entities come and go. Not logged: a map
-- that is lost is made anew by the next page (clause 5.7.2.4).
CREATE UNLOGGED TABLE entity_map (
    id text PRIMARY KEY,
    owner text NOT NULL, -- the app that asked; empty for people
    temporal boolean NOT NULL,
    question text NOT NULL, -- tells the query it was made for from others
    linked jsonb NOT NULL, -- registration -> the map of that source
    expires_at timestamptz NOT NULL
);
CREATE INDEX entity_map_end ON entity_map (expires_at);
CREATE UNLOGGED TABLE entity_map_entry (
    map text NOT NULL REFERENCES entity_map ON DELETE CASCADE,
    place int NOT NULL,
    entity_id text NOT NULL,
    sources text[] NOT NULL, -- registrations; '@none' is this broker
    PRIMARY KEY (map, place)
);

-- Snapshots (clause 5.16): each holds its copy in a schema of its own, `<this schema>_snapshot_<number>`, with these same tables.
CREATE TABLE snapshot (
    id text PRIMARY KEY,
    number int NOT NULL UNIQUE,
    body jsonb NOT NULL, -- what the client said
    status text NOT NULL DEFAULT 'preparing',
    details jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    modified_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL
);
-- Apart from the table: a number is locked by its maker before the row is there.
CREATE SEQUENCE snapshot_number AS int;
