-- Subscriptions to registrations of context sources (clause 5.11).
CREATE TABLE csource_subscription (LIKE subscription INCLUDING ALL);
CREATE SEQUENCE csource_subscription_change;
-- What each of them was told last: the difference to what matches now is what is to be told.
-- since is when the subscription was changed last, version when the registration was.
CREATE TABLE csource_told (
    subscription_id text NOT NULL REFERENCES csource_subscription ON DELETE CASCADE,
    registration_id text NOT NULL,
    since timestamptz NOT NULL,
    version timestamptz NOT NULL,
    data json NOT NULL,
    PRIMARY KEY (subscription_id, registration_id)
);
CREATE INDEX csource_told_registration ON csource_told (registration_id);
-- What was registered last is found without reading all.
CREATE INDEX csource_modified ON csource (modified_at);
