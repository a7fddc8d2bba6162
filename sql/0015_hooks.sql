-- Webhooks: what `stockd hooks run` has sent of the events, and what it could not.
--
-- A hook has come as far as its positions say: each event up to there was delivered, or has a letter.
-- Positions, letters and the beat change in one transaction.

-- Who sends. `owner` is one process, '' nobody; it makes `beat` go up every few seconds, in each
-- transaction of its own. Who sees it stand still for long enough takes the hook over, which the one
-- before finds out when its next transaction meets another owner. No clock is compared with another.
CREATE TABLE hooks (
    name    text   PRIMARY KEY,
    owner   text   NOT NULL,
    beat    bigint NOT NULL,
    off_ms  bigint,            -- when it was switched off; NULL: it is on
    off_why text,
    CONSTRAINT hook_in_range CHECK (length(name) >= 1 AND beat >= 0 AND off_ms >= 0)
);

-- As the columns of the last event; a partition without a row is at its beginning.
CREATE TABLE hook_positions (
    hook         text   NOT NULL,
    partition_no bigint NOT NULL,
    epoch        bigint NOT NULL,
    seq          bigint NOT NULL,
    n            bigint NOT NULL,
    PRIMARY KEY (hook, partition_no),
    CONSTRAINT hook_position_in_range CHECK (partition_no >= 0 AND epoch >= 0)
);

-- Events that are not delivered though the position has passed them.
--   SELECT hook, sku, type, status, why FROM hook_letters WHERE state = 'dead';
CREATE TABLE hook_letters (
    hook         text   NOT NULL,
    partition_no bigint NOT NULL,
    epoch        bigint NOT NULL,
    seq          bigint NOT NULL,
    n            bigint NOT NULL,
    state        text   NOT NULL,  -- waits: to be sent; dead: given up; replay: dead, and asked for again
    at_ms        bigint NOT NULL,  -- of the event
    type         text   NOT NULL,
    sku          text   NOT NULL,
    body         text   NOT NULL,  -- what is sent, byte for byte
    attempts     bigint NOT NULL,  -- that failed
    next_ms      bigint NOT NULL,  -- not before; 0: any time
    tried_ms     bigint NOT NULL,  -- the last attempt; 0: none
    status       bigint NOT NULL,  -- of the last answer; 0: there was none
    why          text,             -- the last attempt failed
    PRIMARY KEY (hook, partition_no, epoch, seq, n),
    CONSTRAINT letter_in_range CHECK (state IN ('waits', 'dead', 'replay') AND attempts >= 0
                                      AND next_ms >= 0 AND tried_ms >= 0 AND status >= 0)
);
CREATE INDEX hook_letters_by_state ON hook_letters (hook, state, partition_no, epoch, seq, n);
