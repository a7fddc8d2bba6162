-- One database holds one ledger. The single row of ledger_meta says which: its id is drawn when the
-- first file is applied and never changes, so a store that once wrote here knows the place again
-- and refuses any other.
--
-- Every file of this directory is read by SQLite and by PostgreSQL as it stands: types are bigint
-- and text only, times are milliseconds since 1970 UTC, flags are 0 or 1, bytes are hex digits.

CREATE TABLE ledger_meta (
    one            bigint PRIMARY KEY,
    ledger_id      text   NOT NULL,
    schema_version bigint NOT NULL,
    CONSTRAINT meta_is_one_row CHECK (one = 1),
    CONSTRAINT meta_id_is_hex_of_16_bytes CHECK (length(ledger_id) = 32)
);
