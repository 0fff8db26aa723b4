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

-- Who else uses this instance (clause 4.14): each has a schema `tenant_<id>` with these same tables. Only the default
-- tenant's own table is used.
CREATE TABLE tenant (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    ready boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- When something of an entity expires (clause 4.22); only entities with an expiresAt stand here.
CREATE TABLE transient (entity_id text PRIMARY KEY, at timestamptz NOT NULL);
CREATE INDEX transient_at ON transient (at);
