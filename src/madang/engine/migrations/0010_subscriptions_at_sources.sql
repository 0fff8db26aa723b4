-- Whether a subscription is about this broker alone, and the brokers it came through (clauses 4.3.6.4, 5.8.1.4).
ALTER TABLE subscription ADD COLUMN local boolean NOT NULL DEFAULT false, ADD COLUMN via text NOT NULL DEFAULT '';
ALTER TABLE csource_subscription ADD COLUMN local boolean NOT NULL DEFAULT false, ADD COLUMN via text NOT NULL DEFAULT '';

-- What we subscribed to at other brokers. It outlives the subscription it is for, until the source has forgotten it too.
CREATE TABLE subscription_at_source (
    id text PRIMARY KEY, -- at the source
    token text NOT NULL UNIQUE, -- where it tells us
    subscription_id text NOT NULL,
    registration_id text NOT NULL,
    key text NOT NULL, -- tells what is asked there from what was
    registration json NOT NULL, -- as it was: it is needed to end the subscription when the registration is gone
    expires_at timestamptz, -- the latest end the source was told; null while it was told nothing
    taken boolean NOT NULL DEFAULT false,
    wanted boolean NOT NULL DEFAULT true
);

-- What other brokers told waits among the notifications under numbers above all changes.
CREATE SEQUENCE notice_from_source MINVALUE 4611686018427387904;
CREATE INDEX notification_from_source ON notification (seq) WHERE seq >= 4611686018427387904;
