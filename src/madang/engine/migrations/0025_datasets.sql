-- Data sets of the lake that came as files or feeds. Their rows are in the lake; what is told of them is here.
CREATE TABLE dataset (
    id text PRIMARY KEY CHECK (id ~ '^[a-z][a-z0-9_]{0,62}$'), -- the name of its table
    title json NOT NULL, -- by language
    about json NOT NULL,
    owner text NOT NULL, -- the department that answers for it
    purpose json NOT NULL,
    licence text NOT NULL,
    rhythm text NOT NULL, -- of the EU's frequency vocabulary: DAILY, MONTHLY, IRREG ...
    themes text[] NOT NULL, -- of the EU's data themes: TRAN, ENVI ...
    keywords text[] NOT NULL,
    model text NOT NULL, -- the address of a data model that it follows; empty: none
    contract json NOT NULL, -- what is promised of it
    persons json NOT NULL, -- where its rows are about people: how they are hidden
    mode text NOT NULL CHECK (mode IN ('replace', 'append')),
    columns json NOT NULL,
    rows bigint NOT NULL DEFAULT 0,
    report json, -- of the latest file that was taken
    words tsvector NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'internal' CHECK (state IN ('internal', 'published', 'withdrawn')),
    version int NOT NULL DEFAULT 0, -- the latest that was published
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    loaded_at timestamptz,
    issued_at timestamptz,
    changed_at timestamptz NOT NULL
);
CREATE INDEX dataset_words ON dataset USING gin (words);
CREATE INDEX dataset_shown ON dataset (changed_at DESC, id) WHERE state = 'published';
CREATE TABLE dataset_arrival ( -- a file, from its coming to what became of it
    id text PRIMARY KEY,
    dataset text NOT NULL REFERENCES dataset ON DELETE CASCADE,
    name text NOT NULL,
    source text NOT NULL, -- an address; empty: somebody handed it in
    size_bytes bigint NOT NULL,
    sha256 text NOT NULL,
    hints json NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'quarantined', 'loaded', 'rejected')),
    report json,
    sent_by text NOT NULL,
    sent_at timestamptz NOT NULL,
    decided_by text NOT NULL DEFAULT '',
    why text NOT NULL DEFAULT '',
    done_at timestamptz
);
CREATE INDEX dataset_arrival_waiting ON dataset_arrival (sent_at) WHERE state = 'waiting';
CREATE INDEX dataset_arrival_of ON dataset_arrival (dataset, sent_at DESC);
CREATE INDEX dataset_arrival_state ON dataset_arrival (state, sent_at DESC);
CREATE TABLE dataset_feed ( -- where a data set is pulled from
    dataset text PRIMARY KEY REFERENCES dataset ON DELETE CASCADE,
    kind text NOT NULL,
    address text NOT NULL,
    every_s int NOT NULL CHECK (every_s >= 60),
    hints json NOT NULL,
    etag text NOT NULL DEFAULT '',
    modified text NOT NULL DEFAULT '',
    sha256 text NOT NULL DEFAULT '',
    due_at timestamptz NOT NULL,
    pulled_at timestamptz,
    outcome text NOT NULL DEFAULT '', -- changed, same, failed
    detail text NOT NULL DEFAULT '',
    failures int NOT NULL DEFAULT 0,
    made_by text NOT NULL
);
CREATE INDEX dataset_feed_due ON dataset_feed (due_at);
