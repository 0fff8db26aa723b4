-- Money of the store. Amounts are whole numbers of a currency's smallest unit. The ledger is double entry: a debit is positive, a
-- credit negative; each transaction sums to nothing in each currency, and nothing in it is ever changed or deleted.
CREATE TABLE ledger_transaction (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL UNIQUE, -- what it is for: the same is posted once
    kind text NOT NULL,
    about text NOT NULL,
    at timestamptz NOT NULL,
    made_in xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX ledger_transaction_at ON ledger_transaction (at);
CREATE TABLE ledger_entry (
    transaction bigint NOT NULL REFERENCES ledger_transaction,
    line int NOT NULL,
    account text NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
    PRIMARY KEY (transaction, line)
);
CREATE INDEX ledger_entry_account ON ledger_entry (account, currency) INCLUDE (amount_minor);
CREATE FUNCTION ledger_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is added to, never changed' USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION ledger_is_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT made_in FROM ledger_transaction WHERE id = NEW.transaction) IS DISTINCT FROM pg_current_xact_id() THEN
        RAISE EXCEPTION 'entries are posted together with their transaction' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION ledger_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    posted bigint := CASE TG_TABLE_NAME WHEN 'ledger_entry' THEN (to_jsonb(NEW)->>'transaction')::bigint ELSE (to_jsonb(NEW)->>'id')::bigint END;
BEGIN
    IF (SELECT count(*) FROM ledger_entry WHERE transaction = posted) < 2
        OR EXISTS (SELECT FROM ledger_entry WHERE transaction = posted GROUP BY currency HAVING sum(amount_minor) <> 0) THEN
        RAISE EXCEPTION 'transaction % does not balance', posted USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_transaction_stays BEFORE UPDATE OR DELETE ON ledger_transaction FOR EACH ROW EXECUTE FUNCTION ledger_stays();
CREATE TRIGGER ledger_entry_stays BEFORE UPDATE OR DELETE ON ledger_entry FOR EACH ROW EXECUTE FUNCTION ledger_stays();
CREATE TRIGGER ledger_entry_closed BEFORE INSERT ON ledger_entry FOR EACH ROW EXECUTE FUNCTION ledger_is_closed();
CREATE CONSTRAINT TRIGGER ledger_entry_balances AFTER INSERT ON ledger_entry DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION ledger_balances();
CREATE CONSTRAINT TRIGGER ledger_transaction_balances AFTER INSERT ON ledger_transaction DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION ledger_balances();

CREATE TABLE store_terms ( -- how what a publisher's apps earn is shared; the latest that has begun counts
    publisher text NOT NULL REFERENCES store_publisher,
    begins_at timestamptz NOT NULL,
    tiers json NOT NULL, -- [[from, publisher's share in basis points], ...]: `from` in smallest units earned so far
    stakeholders json NOT NULL, -- account -> basis points of the publisher's share
    set_by text NOT NULL,
    PRIMARY KEY (publisher, begins_at)
);
CREATE TABLE store_earned ( -- net of paid orders: in which tier the next one falls
    publisher text NOT NULL REFERENCES store_publisher,
    currency text NOT NULL,
    earned_minor bigint NOT NULL,
    PRIMARY KEY (publisher, currency)
);
CREATE TABLE store_order (
    id text PRIMARY KEY,
    kind text NOT NULL, -- purchase, subscription, usage, charge
    customer text NOT NULL, -- person:..., department:..., city:...; empty while nobody has taken up a charge
    placed_by text NOT NULL,
    app text NOT NULL,
    version text NOT NULL,
    publisher text NOT NULL REFERENCES store_publisher,
    payee text NOT NULL DEFAULT '', -- of a charge: the account of whoever serves the customer inside the app
    title json NOT NULL,
    currency text NOT NULL,
    gross_minor bigint NOT NULL CHECK (gross_minor > 0),
    tax_minor bigint NOT NULL CHECK (tax_minor >= 0),
    tax_rate_bp int NOT NULL,
    country text NOT NULL,
    state text NOT NULL, -- open, paying, paid, failed
    provider text NOT NULL DEFAULT '',
    reference text NOT NULL DEFAULT '', -- the provider's
    address text NOT NULL DEFAULT '', -- where the customer pays
    mandate text NOT NULL DEFAULT '', -- the provider's, by which it may be charged again
    subscription text,
    period text NOT NULL DEFAULT '', -- of a subscription or of use: 2026-11
    made_at timestamptz NOT NULL,
    paid_at timestamptz
);
CREATE INDEX store_order_customer ON store_order (customer, made_at);
CREATE INDEX store_order_app ON store_order (app, paid_at);
CREATE INDEX store_order_reference ON store_order (provider, reference);
CREATE INDEX store_order_state ON store_order (state, made_at);
CREATE UNIQUE INDEX store_order_period ON store_order (subscription, period) WHERE subscription IS NOT NULL;
CREATE TABLE store_refund (
    id text PRIMARY KEY,
    "order" text NOT NULL REFERENCES store_order,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    reason text NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    done_at timestamptz
);
CREATE INDEX store_refund_order ON store_refund ("order", asked_at);
CREATE TABLE store_invoice ( -- numbered without gaps in each year
    year int NOT NULL,
    number int NOT NULL,
    "order" text NOT NULL REFERENCES store_order,
    refund text REFERENCES store_refund, -- of a credit note
    issued_at timestamptz NOT NULL,
    gross_minor bigint NOT NULL, -- negative in a credit note
    tax_minor bigint NOT NULL,
    PRIMARY KEY (year, number)
);
CREATE UNIQUE INDEX store_invoice_about ON store_invoice ("order", coalesce(refund, ''));
CREATE TABLE store_subscription (
    id text PRIMARY KEY,
    customer text NOT NULL,
    app text NOT NULL,
    per text NOT NULL, -- month, year; for use: the measure
    kind text NOT NULL, -- subscription, usage
    amount text NOT NULL, -- of one period, or of one unit
    currency text NOT NULL,
    provider text NOT NULL,
    mandate text NOT NULL,
    begun_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE UNIQUE INDEX store_subscription_live ON store_subscription (customer, app) WHERE ended_at IS NULL;
CREATE INDEX store_subscription_due ON store_subscription (due_at) WHERE ended_at IS NULL;
CREATE TABLE store_settlement ( -- a file of payments for the bank
    id text PRIMARY KEY,
    month text NOT NULL,
    currency text NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    file text NOT NULL, -- ISO 20022 pain.001.001.09
    booked_at timestamptz
);
CREATE TABLE store_payout (
    settlement text NOT NULL REFERENCES store_settlement,
    account text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    PRIMARY KEY (settlement, account)
);
CREATE INDEX store_payout_account ON store_payout (account);
