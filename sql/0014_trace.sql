-- The trace that a request was part of (https://www.w3.org/TR/trace-context/, version 00), with each of its
-- movements; NULL where none was sent, or --trace-events was not on.

ALTER TABLE events ADD COLUMN traceparent text;

-- For people: the view of 0013 with it.
DROP VIEW item_movements;
CREATE VIEW item_movements AS
SELECT sku, version, at_ms, type, available_delta, held_delta, sold_delta, available, held, sold,
       available + held AS on_hand, rid, customer, reference, reason, op_key,
       partition_no, epoch, seq, n, tenant, client, traceparent
FROM events
WHERE sku IS NOT NULL;
