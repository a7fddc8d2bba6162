-- Conservation, movement by movement: units only change hands between available, held and sold,
-- and enter or leave by create, set, adjust and delete alone. Rows are only ever added.
--
-- One row for each item that an event touched; an event without items (epoch) has one row without
-- sku. The key is the stream entry's id and the row's number in it, so nothing is stored twice,
-- and ascends, so that pages fill from the left. That a version of an item is one row guards
-- against a second history: two events can not both have been the next one of an item.

CREATE TABLE events (
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
    CONSTRAINT event_conserves CHECK (
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
        ELSE 1 = 0
        END)
);

CREATE UNIQUE INDEX events_by_item ON events (sku, version);
