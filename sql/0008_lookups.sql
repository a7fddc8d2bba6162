-- What people, the audit and a restore ask for, by index. Nothing here guards an invariant.
--
-- Partial where most rows would not be asked for: what an index does not hold, the ledger need not
-- write.

-- What a customer has of an item: units held and bought since the item's last creation.
CREATE INDEX events_by_customer ON events (sku, customer, version) WHERE customer IS NOT NULL;
CREATE INDEX events_creations ON events (sku, version) WHERE type = 'create';

-- In pages: the held ones by deadline, the finished ones by their end.
DROP INDEX reservations_held;
CREATE INDEX reservations_held ON reservations (expires_ms, rid) WHERE state = 'held';
CREATE INDEX reservations_ended ON reservations (ended_ms, rid) WHERE ended_ms IS NOT NULL;

-- Lists.
CREATE INDEX reservations_by_customer ON reservations (customer, rid) WHERE customer IS NOT NULL;
CREATE INDEX reservations_by_reference ON reservations (reference, rid)
    WHERE reference IS NOT NULL;
CREATE INDEX lines_by_sku ON reservation_lines (sku, rid);
