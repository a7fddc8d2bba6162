-- An entry <epoch>-<seq> of an earlier epoch than the checkpoint's is in this database if and only
-- if seq is not behind the end of its epoch: what is behind it was written on a Redis that was no
-- longer the present, and nobody may be told that it is safe. The end is written in the transaction
-- in which the checkpoint leaves the epoch, and never changes; the epoch of the checkpoint has none.
--
-- Epochs that are not listed never had an entry here. Two Redis may both open an epoch of the same
-- number: an entry counts as one of it only if it comes from the Redis that run_id names.

CREATE TABLE epochs (
    partition_no bigint NOT NULL,
    epoch        bigint NOT NULL,
    last_seq     bigint,          -- NULL: the checkpoint is in it
    run_id       text,            -- of the Redis process that opened it; NULL: not known
    opened_ms    bigint NOT NULL, -- by the clock of who wrote the row; 0: not known
    PRIMARY KEY (partition_no, epoch),
    CONSTRAINT epoch_in_range CHECK (partition_no >= 0 AND epoch >= 1 AND last_seq >= 0
                                     AND opened_ms >= 0)
);

-- Of a ledger that is older than this table: its epochs ended at what is there of them. From one to
-- the one before it by index, since events is large.
INSERT INTO epochs (partition_no, epoch, last_seq, run_id, opened_ms)
WITH RECURSIVE known (partition_no, epoch) AS (
    SELECT c.partition_no, c.epoch FROM checkpoints c WHERE c.epoch >= 1
    UNION ALL
    SELECT k.partition_no,
           (SELECT MAX(e.epoch) FROM events e
            WHERE e.partition_no = k.partition_no AND e.epoch < k.epoch)
    FROM known k WHERE k.epoch IS NOT NULL
)
SELECT k.partition_no, k.epoch,
       CASE WHEN k.epoch < c.epoch
            THEN (SELECT MAX(e.seq) FROM events e
                  WHERE e.partition_no = k.partition_no AND e.epoch = k.epoch)
       END,
       NULL, 0
FROM known k JOIN checkpoints c ON c.partition_no = k.partition_no
WHERE k.epoch IS NOT NULL;
