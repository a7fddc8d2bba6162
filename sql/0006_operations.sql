-- A client's key has one result: what the first request of that key was answered, and what every
-- repeat of it is answered until the key is forgotten. Taken again after that, a key has the newer
-- result; the older one stays in events. Keys are known per caller: the caller's name is a part of
-- the key as stored.

CREATE TABLE operations (
    partition_no bigint NOT NULL,
    op_key       text   NOT NULL,
    type         text   NOT NULL, -- of the event
    rid          text,            -- the reservation it was about
    result       text   NOT NULL, -- hex of the recorded bytes
    at_ms        bigint NOT NULL,
    PRIMARY KEY (partition_no, op_key),
    CONSTRAINT operation_in_range CHECK (partition_no >= 0 AND length(op_key) >= 1 AND at_ms >= 0),
    CONSTRAINT operation_result_is_hex CHECK (length(result) >= 2 AND length(result) % 2 = 0)
);
