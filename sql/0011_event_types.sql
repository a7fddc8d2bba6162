-- A type of event that came later needs no change here: whatever it is called, its units change hands
-- within the item, or enter and leave by available alone. Which types there are, the reader of the
-- stream checks. That what leaves one item enters another is said by the rows of a transfer together,
-- which no CHECK sees: the view below finds what the reader of the stream should not have let in.
--
-- Lines between "only" and "both" are read by one engine. Neither reads the table's rows, which kept
-- a stricter rule before.

-- only postgresql
ALTER TABLE events DROP CONSTRAINT event_conserves;
ALTER TABLE events ADD CONSTRAINT event_conserves CHECK (
    CASE type
    WHEN 'create'    THEN available_delta >= 0 AND held_delta = 0 AND sold_delta = 0
    WHEN 'set'       THEN held_delta = 0 AND sold_delta = 0
    WHEN 'adjust'    THEN held_delta = 0 AND sold_delta = 0
    WHEN 'delete'    THEN available = 0 AND held = 0 AND sold = 0 AND held_delta = 0
    WHEN 'decrement' THEN held_delta = 0 AND sold_delta > 0 AND available_delta = -sold_delta
    WHEN 'reserve'   THEN sold_delta = 0 AND held_delta > 0 AND available_delta = -held_delta
    WHEN 'confirm'   THEN sold_delta >= 0 AND held_delta <= 0
                          AND available_delta + held_delta + sold_delta = 0
    WHEN 'release'   THEN sold_delta = 0 AND held_delta < 0 AND available_delta = -held_delta
    WHEN 'expire'    THEN sold_delta = 0 AND held_delta < 0 AND available_delta = -held_delta
    WHEN 'extend'    THEN available_delta = 0 AND held_delta = 0 AND sold_delta = 0
    WHEN 'epoch'     THEN sku IS NULL AND seq = 0
    ELSE (held_delta = 0 AND sold_delta = 0) OR available_delta + held_delta + sold_delta = 0
    END) NOT VALID;

-- only sqlite
-- It has no ALTER TABLE for this. https://www.sqlite.org/lang_altertable.html#otheralter describes the
-- way for changes that leave the rows as they are; making the view tells other connections of it.
PRAGMA writable_schema = ON;
UPDATE sqlite_master
SET sql = replace(sql, 'ELSE 1 = 0',
                  'ELSE (held_delta = 0 AND sold_delta = 0) OR available_delta + held_delta + sold_delta = 0')
WHERE type = 'table' AND name = 'events';
PRAGMA writable_schema = RESET;

-- both
-- Transfers that gave another number of units than they took.
CREATE VIEW unbalanced_transfers AS
SELECT MIN(sku) AS sku, partition_no, epoch, seq, event_no, COUNT(*) AS items,
       SUM(available_delta) AS available
FROM events
WHERE type = 'transfer'
GROUP BY partition_no, epoch, seq, event_no
HAVING COUNT(*) <> 2 OR SUM(available_delta) <> 0;
