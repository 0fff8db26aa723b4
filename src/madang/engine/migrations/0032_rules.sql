-- Rules of the operations centre (docs/decisions/0039).
CREATE TABLE rule (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version int NOT NULL DEFAULT 1, -- the latest
    state text NOT NULL CHECK (state IN ('draft', 'armed', 'retired')),
    tested int NOT NULL DEFAULT 0, -- the version that was tested on the past last
    test json, -- what that found
    armed_by text NOT NULL DEFAULT '',
    armed_at timestamptz
);
CREATE TABLE rule_version ( -- nothing of it is changed
    rule bigint NOT NULL REFERENCES rule,
    version int NOT NULL,
    body json NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (rule, version)
);
CREATE TABLE rule_alarm (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule bigint NOT NULL REFERENCES rule,
    version int NOT NULL,
    entity text NOT NULL,
    began_at timestamptz NOT NULL,
    ended_at timestamptz,
    incident bigint NOT NULL REFERENCES incident
);
CREATE UNIQUE INDEX rule_alarm_on ON rule_alarm (rule, entity) WHERE ended_at IS NULL;
CREATE INDEX rule_alarm_of ON rule_alarm (rule, began_at DESC);
CREATE INDEX rule_alarm_incident ON rule_alarm (incident);
