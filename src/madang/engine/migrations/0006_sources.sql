-- Context source registrations (clause 5.9): who else holds context.
CREATE TABLE csource (
    id text PRIMARY KEY,
    body jsonb NOT NULL,
    context jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    modified_at timestamptz NOT NULL DEFAULT now()
);
-- Grows when a registration is made, changed or deleted, so that every process reads them anew.
CREATE SEQUENCE csource_change;
