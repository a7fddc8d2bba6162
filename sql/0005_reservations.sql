-- A reservation holds its units until it ends, and ends once: it is held exactly as long as it has
-- no end. It never sells more of a line than was reserved. Finished reservations stay for ever.
--
-- The two tables are written by one hand in one transaction. No foreign key joins them: it would
-- cost a look-up a row, and the number of lines in the head finds what is missing as well.

CREATE TABLE reservations (
    rid          text   PRIMARY KEY, -- r<partition>-<23 characters>; ascends with the deadline
    partition_no bigint NOT NULL,
    state        text   NOT NULL,
    rereserved   bigint NOT NULL, -- confirmed after an expiry, from units taken again
    created_ms   bigint NOT NULL,
    expires_ms   bigint NOT NULL,
    ended_ms     bigint,
    line_count   bigint NOT NULL,
    customer     text,
    reference    text,
    metadata     text,            -- a JSON object
    CONSTRAINT reservation_state CHECK (state IN ('held', 'confirmed', 'released', 'expired')),
    CONSTRAINT reservation_ends_once CHECK ((state = 'held') = (ended_ms IS NULL)),
    CONSTRAINT reservation_rereserved CHECK (rereserved = 0
                                             OR (rereserved = 1 AND state = 'confirmed')),
    CONSTRAINT reservation_in_range CHECK (partition_no >= 0 AND created_ms >= 0
                                           AND expires_ms >= created_ms
                                           AND line_count BETWEEN 1 AND 100)
);

CREATE INDEX reservations_held ON reservations (expires_ms) WHERE state = 'held';

CREATE TABLE reservation_lines (
    rid               text   NOT NULL,
    n                 bigint NOT NULL,
    sku               text   NOT NULL,
    reserved          bigint NOT NULL, -- asked for at the start
    quantity          bigint NOT NULL, -- held; once confirmed: sold
    remaining         bigint NOT NULL, -- available of the item right after the last transition
    version           bigint NOT NULL, -- of the item, right after it
    expired_remaining bigint,          -- the same of the expiry before a rereserve
    expired_version   bigint,
    PRIMARY KEY (rid, n),
    CONSTRAINT line_sells_what_was_reserved CHECK (reserved >= 1 AND quantity >= 0
                                                   AND quantity <= reserved),
    CONSTRAINT line_in_range CHECK (n >= 0 AND n < 100 AND remaining >= 0 AND version >= 1),
    CONSTRAINT line_expiry_is_a_pair CHECK ((expired_remaining IS NULL) = (expired_version IS NULL))
);
