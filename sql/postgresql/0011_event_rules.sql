-- Conservation as 0003_events.sql has it, without naming the types of events: a new type is no
-- change of the schema. Which way units may go in an event of each type is checked by who writes
-- here (service/ledger/fold_run.c); that none appears or is lost on the way is checked by the table.
--
-- The rows that are there kept a stricter rule: none has to be looked at, however many they are.

ALTER TABLE events DROP CONSTRAINT event_conserves;

-- Units change hands within the item; or they come and go through available alone; or the item goes
-- with all that it was, of which held must have been nothing. Without an item nothing moves.
ALTER TABLE events ADD CONSTRAINT event_conserves CHECK (
    CASE
    WHEN sku IS NULL THEN available_delta = 0 AND held_delta = 0 AND sold_delta = 0
    ELSE available_delta + held_delta + sold_delta = 0
         OR (held_delta = 0 AND sold_delta = 0)
         OR (held_delta = 0 AND available = 0 AND held = 0 AND sold = 0)
    END) NOT VALID;
