-- Stock, reservations with a deadline to be swept by, the keys of clients, and events.
CREATE TABLE item (
    sku text PRIMARY KEY,
    available bigint NOT NULL CHECK (available >= 0)
) WITH (fillfactor = 20); -- room for new versions of a row in its page, so that its index is left alone

CREATE TABLE reservation (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku text NOT NULL,
    quantity bigint NOT NULL,
    state text NOT NULL DEFAULT 'held',
    expires_at timestamptz NOT NULL
);
CREATE INDEX reservation_due ON reservation (expires_at) WHERE state = 'held';

CREATE TABLE idempotency_key (
    key text PRIMARY KEY,
    reservation bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    type text NOT NULL,
    reservation bigint NOT NULL,
    sku text NOT NULL,
    quantity bigint NOT NULL
);

-- Key, record, event and stock in the caller's transaction, in one round trip. The row of the item is
-- taken last, so that it is locked for the shortest time. NULL: sold out, and nothing was written.
CREATE FUNCTION reserve(the_key text, the_sku text, wanted bigint, seconds bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    made bigint := nextval('reservation_id_seq');
BEGIN
    -- Waits for a transaction of the same key that is under way.
    INSERT INTO idempotency_key (key, reservation) VALUES (the_key, made) ON CONFLICT (key) DO NOTHING;
    IF NOT FOUND THEN
        RETURN (SELECT reservation FROM idempotency_key WHERE key = the_key);
    END IF;
    INSERT INTO reservation (id, sku, quantity, expires_at) OVERRIDING SYSTEM VALUE
    VALUES (made, the_sku, wanted, now() + make_interval(secs => seconds));
    INSERT INTO event (type, reservation, sku, quantity) VALUES ('reserved', made, the_sku, wanted);
    UPDATE item SET available = available - wanted WHERE sku = the_sku AND available >= wanted;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'sold out';
    END IF;
    RETURN made;
END $$;
