-- The audit log (RFC 6962): leaves as they were hashed, and the complete subtrees above them. Rows are added, nothing else.
CREATE TABLE audit_entry (
    seq bigint PRIMARY KEY,
    leaf text NOT NULL, -- canonical JSON
    hash bytea NOT NULL
);
CREATE INDEX audit_entry_who ON audit_entry ((leaf::jsonb->>'who'), seq);
CREATE INDEX audit_entry_what ON audit_entry ((leaf::jsonb->>'what'), seq);
CREATE INDEX audit_entry_whom ON audit_entry ((leaf::jsonb->>'whom'), seq);
CREATE TABLE audit_node (
    level int NOT NULL,
    place bigint NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (level, place)
);
