-- The city app store: who publishes, what is handed in and decided, what is signed, who has what, what people say of it.
CREATE TABLE store_publisher (
    id text PRIMARY KEY, -- reverse domain name: of its apps
    owner text NOT NULL REFERENCES person,
    name text NOT NULL,
    website text NOT NULL DEFAULT '',
    country text NOT NULL,
    account json NOT NULL, -- where it is paid: {"name", "iban"} or {"name", "account", "bank"}
    domain_proved_at timestamptz,
    created_at timestamptz NOT NULL
);
CREATE INDEX store_publisher_owner ON store_publisher (owner);
CREATE TABLE store_key (
    publisher text NOT NULL REFERENCES store_publisher,
    public bytea NOT NULL,
    proved_at timestamptz NOT NULL,
    revoked_at timestamptz,
    PRIMARY KEY (publisher, public)
);
CREATE TABLE store_package (
    sha256 text PRIMARY KEY,
    body bytea NOT NULL
);
CREATE TABLE store_role ( -- TUF metadata as it is served; what was signed stays
    name text NOT NULL,
    version int NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (name, version)
);
CREATE TABLE store_release (
    id text PRIMARY KEY,
    app text NOT NULL,
    version text NOT NULL,
    publisher text NOT NULL REFERENCES store_publisher,
    sha256 text NOT NULL REFERENCES store_package,
    manifest json NOT NULL,
    role bytea NOT NULL, -- as the publisher signed it
    state text NOT NULL, -- submitted, checking, waiting, approved, published, rejected, yanked
    submitted_by text NOT NULL,
    submitted_at timestamptz NOT NULL,
    checks json NOT NULL,
    sbom json,
    score json,
    appeal text NOT NULL DEFAULT '',
    decided_by text NOT NULL DEFAULT '',
    decided_at timestamptz,
    reason text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX store_release_version ON store_release (app, version) WHERE state <> 'rejected';
CREATE INDEX store_release_publisher ON store_release (publisher, submitted_at);
CREATE INDEX store_release_state ON store_release (state, submitted_at);
CREATE TABLE store_install (
    id text PRIMARY KEY,
    app text NOT NULL,
    version text NOT NULL,
    customer text NOT NULL, -- person:..., department:..., city:...
    placed_by text NOT NULL,
    installed_at timestamptz NOT NULL,
    removed_at timestamptz
);
CREATE UNIQUE INDEX store_install_live ON store_install (app, customer) WHERE removed_at IS NULL;
CREATE INDEX store_install_customer ON store_install (customer, installed_at);
CREATE TABLE store_use ( -- a day on which an install was used; of a city's install as the meter says, of a person's as they open it
    install text NOT NULL REFERENCES store_install,
    day date NOT NULL,
    PRIMARY KEY (install, day)
);
CREATE TABLE store_review (
    install text PRIMARY KEY REFERENCES store_install,
    app text NOT NULL,
    version text NOT NULL,
    stars int NOT NULL CHECK (stars BETWEEN 1 AND 5),
    text text NOT NULL,
    written_at timestamptz NOT NULL,
    reply text NOT NULL DEFAULT '',
    replied_at timestamptz,
    hidden_by text NOT NULL DEFAULT '',
    hidden_why text NOT NULL DEFAULT ''
);
CREATE INDEX store_review_app ON store_review (app, written_at);
CREATE TABLE store_report ( -- abuse
    install text NOT NULL REFERENCES store_review,
    reporter text NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL,
    settled_at timestamptz,
    PRIMARY KEY (install, reporter)
);
CREATE TABLE store_choice ( -- who serves a service where; the rows of one service that are not ended are in force
    id text PRIMARY KEY,
    service text NOT NULL,
    apps text[] NOT NULL,
    seed bigint NOT NULL,
    areas json NOT NULL, -- area name -> app id; {} when one app serves everywhere
    chosen_by text NOT NULL,
    chosen_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE UNIQUE INDEX store_choice_live ON store_choice (service) WHERE ended_at IS NULL;
