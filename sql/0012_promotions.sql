-- Which promotion made the Redis the primary that an epoch is of: its replication id, and its order
-- among promotions as Sentinel or the cluster count them. The end of an epoch and the next one are
-- written here before that one is opened in Redis, and never for a promotion that is older than that
-- of the last one.

ALTER TABLE epochs ADD COLUMN promotion text;                              -- NULL: not known
ALTER TABLE epochs ADD COLUMN promotion_order bigint NOT NULL DEFAULT 0;   -- 0: not known
