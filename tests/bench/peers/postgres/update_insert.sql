-- pgbench: the units are taken and recorded by one statement; no idempotency key, no event.
\set sku random(1, :items)
WITH taken AS (
    UPDATE item SET available = available - 1 WHERE sku = 's' || :sku AND available >= 1 RETURNING sku
)
INSERT INTO reservation (sku, quantity, expires_at) SELECT sku, 1, now() + interval '600 s' FROM taken RETURNING id;
