-- For people, and for the check that nothing was lost: both views named unbalanced are empty as
-- long as the tables of the present say what the history adds up to.
--
-- Times are milliseconds. As text: to_timestamp(at_ms / 1000.0) in PostgreSQL,
-- datetime(at_ms / 1000, 'unixepoch') in SQLite.

-- Every movement of an item, oldest first by version.
--   SELECT * FROM item_movements WHERE sku = 'apple' ORDER BY version;
-- The stock of an item at a time T is what its last movement up to T left:
--   SELECT available, held, sold, on_hand FROM item_movements
--   WHERE sku = 'apple' AND at_ms <= 1795231293825 ORDER BY version DESC LIMIT 1;
-- No row, or one of type delete: there was no such item.
CREATE VIEW item_movements AS
SELECT sku, version, at_ms, type, available_delta, held_delta, sold_delta, available, held, sold,
       available + held AS on_hand, rid, customer, reference, reason, op_key,
       partition_no, epoch, seq, n
FROM events
WHERE sku IS NOT NULL;

-- Units sold per item and hour; hour_ms is the beginning of the hour, UTC.
CREATE VIEW sales_hourly AS
SELECT sku, at_ms - at_ms % 3600000 AS hour_ms, SUM(sold_delta) AS sold, COUNT(*) AS sales
FROM events
WHERE type IN ('decrement', 'confirm') AND sold_delta > 0
GROUP BY sku, at_ms - at_ms % 3600000;

-- What is held for whom, a line each.
--   SELECT * FROM open_holds WHERE sku = 'apple' ORDER BY expires_ms;
CREATE VIEW open_holds AS
SELECT r.expires_ms, r.rid, l.n, l.sku, l.quantity, r.customer, r.reference, r.created_ms,
       r.partition_no
FROM reservations r
JOIN reservation_lines l ON l.rid = r.rid
WHERE r.state = 'held';

-- Items whose counters are not the sum of their movements.
CREATE VIEW unbalanced_items AS
SELECT i.sku, i.available, i.held, i.sold, i.version, e.available AS events_available,
       e.held AS events_held, e.sold AS events_sold, e.version AS events_version
FROM items i
LEFT JOIN (SELECT sku, SUM(available_delta) AS available, SUM(held_delta) AS held,
                  SUM(sold_delta) AS sold, MAX(version) AS version
           FROM events WHERE sku IS NOT NULL GROUP BY sku) e ON e.sku = i.sku
WHERE e.sku IS NULL OR i.available <> e.available OR i.held <> e.held OR i.sold <> e.sold
      OR i.version <> e.version;

-- Items that hold another number of units than their open reservations together.
CREATE VIEW unbalanced_holds AS
SELECT i.sku, i.held, COALESCE(h.held, 0) AS lines_held
FROM items i
LEFT JOIN (SELECT sku, SUM(quantity) AS held FROM open_holds GROUP BY sku) h ON h.sku = i.sku
WHERE i.held <> COALESCE(h.held, 0);
