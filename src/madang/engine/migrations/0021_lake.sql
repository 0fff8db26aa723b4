-- Up to where history is in the lake; empty where there is none. Retention waits for it.
CREATE TABLE lake_cursor (one boolean PRIMARY KEY DEFAULT true CHECK (one), seq bigint NOT NULL);

-- What was edited in history, or is to be erased, after it was in the lake: what the lake has of it is void, and read again from history.
-- `attribute`, `dataset` NULL: all of the entity, of the attribute; `dataset` '': the default one. `seqs` NULL: whenever it was, also what
-- history no longer has; else of these changes. `erased`: no byte of it may stay.
CREATE TABLE lake_order (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entity_id text NOT NULL,
    attribute text,
    dataset text,
    seqs bigint[],
    erased boolean NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now()
);
