-- Exactly once. A partition's checkpoint is the id <epoch>-<seq> of the last stream entry that this
-- database holds. It moves in the transaction that writes the entry's rows, by whoever holds the
-- lock on its row, and only from the id that was read under that lock: rows without their
-- checkpoint, or a checkpoint without its rows, cannot be seen.
--
-- A partition that was begun and holds nothing yet stands at 0-(-1): epoch 1 may follow.

CREATE TABLE checkpoints (
    partition_no bigint PRIMARY KEY,
    epoch        bigint NOT NULL,
    seq          bigint NOT NULL,
    events       bigint NOT NULL, -- applied since the ledger began
    at_ms        bigint NOT NULL, -- Redis time of the last entry that has one
    CONSTRAINT checkpoint_in_range CHECK (partition_no >= 0 AND epoch >= 0 AND seq >= -1
                                          AND events >= 0 AND at_ms >= 0),
    CONSTRAINT checkpoint_begins_before_epoch_1 CHECK ((epoch = 0) = (seq = -1))
);
