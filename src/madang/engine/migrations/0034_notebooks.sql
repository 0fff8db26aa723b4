CREATE TABLE notebook ( -- questions of the lake with words between them
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    title text NOT NULL,
    cells json NOT NULL,
    owner text NOT NULL, -- a principal's name
    shared_with text NOT NULL DEFAULT '', -- a role whose people may open it, each with what they themselves may see; empty: nobody
    made_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE INDEX notebook_owner ON notebook (owner, changed_at DESC);
CREATE INDEX notebook_shared ON notebook (shared_with, changed_at DESC) WHERE shared_with <> '';
