-- Stored @contexts (clause 5.13). `url` is where a cached one came from; its body is kept so that its server may be away.
CREATE TABLE ld_context (
    id text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('Hosted', 'Cached', 'ImplicitlyCreated')),
    url text UNIQUE,
    body json NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz
);
-- The same source gets the same implicit context.
CREATE UNIQUE INDEX ld_context_implicit ON ld_context (md5(body::text)) WHERE kind = 'ImplicitlyCreated';
-- Grows when a stored context is changed or deleted, so that other processes forget what they compiled of it.
CREATE SEQUENCE ld_context_change;

-- When something of an entity expires (clause 4.22); only entities with an expiresAt stand here.
CREATE TABLE transient (entity_id text PRIMARY KEY, at timestamptz NOT NULL);
CREATE INDEX transient_at ON transient (at);
