-- Whose people and clients are: '' of the city itself, else of the tenant of that name, which they may be before it is made.
ALTER TABLE person ADD tenant text NOT NULL DEFAULT '';
ALTER TABLE oauth_client ADD tenant text NOT NULL DEFAULT '';
