CREATE TABLE indicator_value ( -- of a definition by its code; a year at a time, each telling is kept
    code text NOT NULL,
    year int NOT NULL CHECK (year BETWEEN 1900 AND 2200),
    value double precision NOT NULL,
    rows bigint NOT NULL DEFAULT 0, -- of which it was computed
    source text NOT NULL, -- who says so; of what is computed, from what
    confidence text NOT NULL CHECK (confidence IN ('computed', 'official', 'estimated')),
    told_by text NOT NULL,
    told_at timestamptz NOT NULL,
    PRIMARY KEY (code, year, told_at)
);
