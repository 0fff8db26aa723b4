-- Who may sign in, with what, and what was given to them. Only the default schema's tables are used. Secrets are hashes (SHA-256
-- of random ones, argon2id of passwords) or sealed by a key of the run folder. `person` rows stay for ever: an id is never given again.
CREATE TABLE person (
    id text PRIMARY KEY,
    login text UNIQUE, -- lower case; null once the account has ended
    name text NOT NULL,
    email text,
    roles text[] NOT NULL DEFAULT '{}',
    department text NOT NULL DEFAULT '',
    password text,
    totp bytea,
    totp_step bigint NOT NULL DEFAULT -1, -- the last that was used: none at or before it is taken again
    created_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE TABLE sign_in_attempt ( -- by login, whether there is such an account or not
    login bytea PRIMARY KEY, -- hash
    failures int NOT NULL,
    failed_at timestamptz NOT NULL
);
CREATE TABLE recovery_code (
    hash bytea PRIMARY KEY,
    person text NOT NULL REFERENCES person
);
CREATE INDEX recovery_code_person ON recovery_code (person);
CREATE TABLE passkey (
    id bytea PRIMARY KEY,
    person text NOT NULL REFERENCES person,
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX passkey_person ON passkey (person);
CREATE TABLE invitation (
    hash bytea PRIMARY KEY,
    person text REFERENCES person, -- of an account that is there; null for a new one
    roles text[] NOT NULL DEFAULT '{}',
    expires_at timestamptz NOT NULL
);
CREATE TABLE sign_in_session (
    id text PRIMARY KEY,
    hash bytea NOT NULL UNIQUE,
    person text NOT NULL REFERENCES person,
    methods text[] NOT NULL, -- RFC 8176
    signed_in_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    agent text NOT NULL,
    address text NOT NULL,
    ended_at timestamptz
);
CREATE INDEX sign_in_session_person ON sign_in_session (person);
CREATE TABLE ceremony ( -- what is between two requests: a challenge, a first factor, a way out to another provider
    hash bytea PRIMARY KEY,
    kind text NOT NULL,
    about jsonb NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE TABLE oauth_client (
    id text PRIMARY KEY,
    name text NOT NULL,
    secret bytea, -- null: a public client
    principal text NOT NULL, -- whom client_credentials make: app or peer
    roles text[] NOT NULL DEFAULT '{}',
    redirect_uris text[] NOT NULL DEFAULT '{}',
    logout_uris text[] NOT NULL DEFAULT '{}',
    grants text[] NOT NULL,
    scopes text[] NOT NULL,
    permissions jsonb NOT NULL DEFAULT '[]', -- of its own tokens
    created_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE TABLE oauth_consent (
    person text NOT NULL REFERENCES person,
    client text NOT NULL REFERENCES oauth_client,
    scopes text[] NOT NULL,
    PRIMARY KEY (person, client)
);
CREATE TABLE oauth_grant ( -- what one consent gave: all tokens of it end together
    id text PRIMARY KEY,
    client text NOT NULL REFERENCES oauth_client,
    person text REFERENCES person,
    session text REFERENCES sign_in_session,
    scopes text[] NOT NULL,
    methods text[] NOT NULL,
    signed_in_at timestamptz,
    nonce text,
    claims text[] NOT NULL DEFAULT '{}', -- asked for by name, of the id_token
    userinfo text[] NOT NULL DEFAULT '{}', -- and of userinfo
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX oauth_grant_person ON oauth_grant (person);
CREATE INDEX oauth_grant_session ON oauth_grant (session);
CREATE TABLE oauth_code (
    hash bytea PRIMARY KEY,
    grant_id text NOT NULL REFERENCES oauth_grant ON DELETE CASCADE,
    redirect_uri text NOT NULL,
    challenge text NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE TABLE oauth_refresh_token (
    hash bytea PRIMARY KEY,
    grant_id text NOT NULL REFERENCES oauth_grant ON DELETE CASCADE,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE TABLE oauth_revoked ( -- single access tokens that end before their hour
    jti text PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE TABLE oauth_device_code (
    hash bytea PRIMARY KEY,
    user_code text NOT NULL UNIQUE,
    client text NOT NULL REFERENCES oauth_client,
    scopes text[] NOT NULL,
    asked_at timestamptz,
    interval_s int NOT NULL,
    expires_at timestamptz NOT NULL,
    grant_id text REFERENCES oauth_grant ON DELETE CASCADE, -- once a person said yes
    refused boolean NOT NULL DEFAULT false
);
CREATE TABLE device (
    id text PRIMARY KEY,
    name text NOT NULL,
    topics text[] NOT NULL, -- of MQTT, below city/<city>/
    permissions jsonb NOT NULL DEFAULT '[]', -- over HTTP
    created_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE TABLE device_secret (
    hash bytea PRIMARY KEY,
    device text NOT NULL REFERENCES device,
    created_at timestamptz NOT NULL,
    expires_at timestamptz -- null: until it is rotated
);
CREATE INDEX device_secret_device ON device_secret (device);
CREATE TABLE identity_provider ( -- other providers whose people may sign in here
    id text PRIMARY KEY,
    name text NOT NULL,
    issuer text NOT NULL,
    client_id text NOT NULL,
    secret bytea NOT NULL, -- sealed
    roles text[] NOT NULL DEFAULT '{}'
);
CREATE TABLE identity_link (
    provider text NOT NULL REFERENCES identity_provider ON DELETE CASCADE,
    subject text NOT NULL,
    person text NOT NULL REFERENCES person,
    PRIMARY KEY (provider, subject)
);
-- What no longer holds, for the memory of every gateway: `person:ID`, `session:ID`, `grant:ID`, `token:ID`, `device:ID`.
CREATE TABLE identity_ended (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tag text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
