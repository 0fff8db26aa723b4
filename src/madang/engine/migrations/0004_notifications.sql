-- What the changed attributes were; of a deleted entity all of them. Empty where nothing was.
ALTER TABLE history ADD COLUMN before json;

-- Notifications that wait for their endpoint: they outlive the courier. seq is that of the change, 0 for one by the clock.
CREATE TABLE notification (
    subscription_id text NOT NULL REFERENCES subscription ON DELETE CASCADE,
    seq bigint NOT NULL,
    entity_id text NOT NULL,
    data json NOT NULL,
    PRIMARY KEY (subscription_id, seq)
);
-- Grows when a subscription is made, changed or deleted: the courier reads them anew before the next change.
CREATE SEQUENCE subscription_change;
CREATE INDEX subscription_modified ON subscription (modified_at);
