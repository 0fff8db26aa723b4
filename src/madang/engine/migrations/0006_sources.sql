-- Context source registrations (clause 5.9): who else holds context; and who is told of them (clause 5.11).
CREATE TABLE csource (
    id text PRIMARY KEY,
    body jsonb NOT NULL,
    context jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    modified_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE csource_subscription (
    id text PRIMARY KEY,
    body jsonb NOT NULL,
    context jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    modified_at timestamptz NOT NULL DEFAULT now(),
    times_sent bigint NOT NULL DEFAULT 0,
    times_failed bigint NOT NULL DEFAULT 0,
    last_notification timestamptz,
    last_success timestamptz,
    last_failure timestamptz
);
-- Grows when a registration is made, changed or deleted, so that every process reads them anew.
CREATE SEQUENCE csource_change;
