-- Conservation as 0003_events.sql has it, without naming the types of events: a new type is no
-- change of the schema. Which way units may go in an event of each type is checked by who writes
-- here (service/ledger/fold_run.c); that none appears or is lost on the way is checked by the table.
--
-- SQLite cannot change a rule of a table: the table is made anew, row by row, and takes the old
-- one's place. The views are not touched: they find the table by its name.

PRAGMA legacy_alter_table = ON;

CREATE TABLE events_anew (
    partition_no     bigint NOT NULL,
    epoch            bigint NOT NULL,
    seq              bigint NOT NULL,
    n                bigint NOT NULL, -- of the row, in its entry
    event_no         bigint NOT NULL, -- of the event, in its entry
    at_ms            bigint NOT NULL, -- Redis time; 0 for the first entry of an epoch
    type             text   NOT NULL,
    sku              text,
    available_delta  bigint NOT NULL,
    held_delta       bigint NOT NULL,
    sold_delta       bigint NOT NULL,
    available        bigint NOT NULL, -- the item right after the event, as are the next four
    held             bigint NOT NULL,
    sold             bigint NOT NULL,
    version          bigint NOT NULL,
    max_per_customer bigint NOT NULL,
    rid              text,
    expires_ms       bigint,          -- reserve and extend
    customer         text,            -- of the reservation or the sale
    reference        text,            -- this one and those below: on the event's first row
    reason           text,
    metadata         text,
    op_key           text,
    result           text,
    PRIMARY KEY (partition_no, epoch, seq, n),
    CONSTRAINT event_in_range CHECK (partition_no >= 0 AND epoch >= 1 AND seq >= 0 AND n >= 0
                                     AND event_no >= 0 AND event_no <= n AND at_ms >= 0),
    CONSTRAINT event_counters_not_negative CHECK (available >= 0 AND held >= 0 AND sold >= 0
                                                  AND max_per_customer >= 0 AND version >= 0),
    CONSTRAINT event_versions_its_item CHECK ((sku IS NULL) = (version = 0)),
    CONSTRAINT event_result_has_key CHECK ((op_key IS NULL) = (result IS NULL)),
    -- Units change hands within the item; or they come and go through available alone; or the item
    -- goes with all that it was, of which held must have been nothing. Without an item nothing moves.
    CONSTRAINT event_conserves CHECK (
        CASE
        WHEN sku IS NULL THEN available_delta = 0 AND held_delta = 0 AND sold_delta = 0
        ELSE available_delta + held_delta + sold_delta = 0
             OR (held_delta = 0 AND sold_delta = 0)
             OR (held_delta = 0 AND available = 0 AND held = 0 AND sold = 0)
        END)
);

INSERT INTO events_anew SELECT * FROM events;
DROP TABLE events;
ALTER TABLE events_anew RENAME TO events;

CREATE UNIQUE INDEX events_by_item ON events (sku, version);
CREATE INDEX events_by_customer ON events (sku, customer, version) WHERE customer IS NOT NULL;
CREATE INDEX events_creations ON events (sku, version) WHERE type = 'create';

PRAGMA legacy_alter_table = OFF;
