-- pgbench: idempotency key, record, event and stock in one transaction, by the function of schema.sql.
\set sku random(1, :items)
\set key random(1, 9223372036854775806)
SELECT reserve('k' || :key, 's' || :sku, 1, 600);
