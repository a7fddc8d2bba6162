-- An item as of the checkpoint: what its last row in events says. on_hand is available and held
-- together, nothing is negative, and a deleted item owns nothing but its version, which goes on if
-- the item comes back.

CREATE TABLE items (
    sku              text   PRIMARY KEY,
    partition_no     bigint NOT NULL,
    on_hand          bigint NOT NULL,
    available        bigint NOT NULL,
    held             bigint NOT NULL,
    sold             bigint NOT NULL,
    version          bigint NOT NULL,
    max_per_customer bigint NOT NULL, -- 0: no limit
    deleted          bigint NOT NULL,
    updated_ms       bigint NOT NULL,
    CONSTRAINT item_conserves CHECK (on_hand = available + held),
    CONSTRAINT item_counters_not_negative CHECK (available >= 0 AND held >= 0 AND sold >= 0
                                                 AND max_per_customer >= 0),
    CONSTRAINT item_in_range CHECK (partition_no >= 0 AND version >= 1 AND updated_ms >= 0
                                    AND deleted IN (0, 1)),
    CONSTRAINT item_deleted_is_empty CHECK (deleted = 0 OR (on_hand = 0 AND sold = 0))
);
