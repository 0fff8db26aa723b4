-- Who made a subscription, or changed it last: it tells what they may see. Those that are there were made by who came by an operator's door.
ALTER TABLE subscription ADD COLUMN maker jsonb NOT NULL DEFAULT '{"kind": "anonymous", "id": "", "roles": ["operator"]}';
ALTER TABLE subscription ALTER COLUMN maker DROP DEFAULT;
ALTER TABLE csource_subscription ADD COLUMN maker jsonb NOT NULL DEFAULT '{"kind": "anonymous", "id": "", "roles": ["operator"]}';
ALTER TABLE csource_subscription ALTER COLUMN maker DROP DEFAULT;
