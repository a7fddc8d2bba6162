-- Redis was built anew from this database. Each time is a row, written in the transaction that moves
-- the checkpoints to the new epoch, and every item's version went up by number * 2^20 in Redis: a version
-- that was answered before cannot appear a second time.
--   SELECT number, epoch, to_timestamp(at_ms / 1000.0) FROM restores ORDER BY number;
CREATE TABLE restores (
    number bigint PRIMARY KEY, -- 1, 2, 3 ...
    epoch  bigint NOT NULL,    -- that it opened, of every partition
    at_ms  bigint NOT NULL,
    CONSTRAINT restore_in_range CHECK (number >= 1 AND epoch >= 2 AND at_ms >= 0)
);
