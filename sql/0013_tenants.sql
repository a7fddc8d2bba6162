-- Whose things are. A tenant sees what its own clients made, and nothing else: `tenant` is '' for the
-- default one, which is the only one of a service without keys. `client` is the name of the key that
-- asked, '' for nobody in particular. Rows of before are the default tenant's.

ALTER TABLE events ADD COLUMN tenant text NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN client text NOT NULL DEFAULT '';
ALTER TABLE reservations ADD COLUMN tenant text NOT NULL DEFAULT '';
ALTER TABLE reservations ADD COLUMN client text NOT NULL DEFAULT '';
ALTER TABLE reservation_lines ADD COLUMN tenant text NOT NULL DEFAULT ''; -- its reservation's

-- Lists of reservations, each a range of one index whoever asks.
CREATE INDEX reservations_by_tenant ON reservations (tenant, rid);
DROP INDEX reservations_held;
CREATE INDEX reservations_held ON reservations (expires_ms, rid, tenant) WHERE state = 'held';
DROP INDEX reservations_by_customer;
CREATE INDEX reservations_by_customer ON reservations (customer, tenant, rid)
    WHERE customer IS NOT NULL;
DROP INDEX reservations_by_reference;
CREATE INDEX reservations_by_reference ON reservations (reference, tenant, rid)
    WHERE reference IS NOT NULL;
DROP INDEX lines_by_sku;
CREATE INDEX lines_by_sku ON reservation_lines (sku, tenant, rid);

-- Movements: a service without tenants writes nothing to these. What a customer has of an item counts
-- within its tenant; `tenant/customer` names it, as no tenant has a slash.
CREATE INDEX events_of_tenants ON events (tenant, partition_no, epoch, seq, n) WHERE tenant <> '';
CREATE INDEX events_of_tenants_by_item ON events (tenant, sku, version) WHERE tenant <> '';
CREATE INDEX events_of_tenants_by_customer ON events (sku, (tenant || '/' || customer), version)
    WHERE tenant <> '' AND customer IS NOT NULL;

-- For people: the views of 0007 with whose it is.
DROP VIEW item_movements;
CREATE VIEW item_movements AS
SELECT sku, version, at_ms, type, available_delta, held_delta, sold_delta, available, held, sold,
       available + held AS on_hand, rid, customer, reference, reason, op_key,
       partition_no, epoch, seq, n, tenant, client
FROM events
WHERE sku IS NOT NULL;

DROP VIEW unbalanced_holds;
DROP VIEW open_holds;
CREATE VIEW open_holds AS
SELECT r.expires_ms, r.rid, l.n, l.sku, l.quantity, r.customer, r.reference, r.created_ms,
       r.partition_no, r.tenant, r.client
FROM reservations r
JOIN reservation_lines l ON l.rid = r.rid
WHERE r.state = 'held';

CREATE VIEW unbalanced_holds AS
SELECT i.sku, i.held, COALESCE(h.held, 0) AS lines_held
FROM items i
LEFT JOIN (SELECT sku, SUM(quantity) AS held FROM open_holds GROUP BY sku) h ON h.sku = i.sku
WHERE i.held <> COALESCE(h.held, 0);

-- What the clients with a name have there, for quotas on what is kept. Moved by differences, in the
-- transaction that moves the rows that it is counted from; a row each partition, so that partitions
-- need not wait for one another. No CHECK says that nothing is below zero: a difference may be, and
-- engines look at what is to be added before they find what it is added to. The view below does.

-- Of what is held.
CREATE TABLE client_usage (
    partition_no   bigint NOT NULL,
    tenant         text   NOT NULL,
    client         text   NOT NULL,
    open_holds     bigint NOT NULL,
    units_held     bigint NOT NULL,
    metadata_bytes bigint NOT NULL,
    PRIMARY KEY (partition_no, tenant, client),
    CONSTRAINT usage_has_a_client CHECK (partition_no >= 0 AND length(client) >= 1)
);

-- Of what is kept for a time after its hour: recorded results, and reservations that ended in it.
CREATE TABLE client_usage_hourly (
    hour_ms        bigint NOT NULL, -- its beginning, UTC
    partition_no   bigint NOT NULL,
    tenant         text   NOT NULL,
    client         text   NOT NULL,
    operation_keys bigint NOT NULL,
    metadata_bytes bigint NOT NULL,
    PRIMARY KEY (hour_ms, partition_no, tenant, client),
    CONSTRAINT hourly_has_a_client CHECK (partition_no >= 0 AND length(client) >= 1),
    CONSTRAINT hourly_begins_an_hour CHECK (hour_ms >= 0 AND hour_ms % 3600000 = 0)
);

-- What both are counted from: a row each hold, end and recorded result of a client with a name.
-- hour_ms is -1 for what is held. Engines name the bytes of a text differently.

-- only postgresql
CREATE VIEW client_usage_counted AS
SELECT CASE state WHEN 'held' THEN -1 ELSE ended_ms - ended_ms % 3600000 END AS hour_ms,
       partition_no, tenant, client, CASE state WHEN 'held' THEN 1 ELSE 0 END AS open_holds,
       CASE state WHEN 'held' THEN (SELECT SUM(l.quantity) FROM reservation_lines l
                                    WHERE l.rid = r.rid) ELSE 0 END AS units_held,
       COALESCE(octet_length(metadata), 0) AS metadata_bytes, 0 AS operation_keys
FROM reservations r
WHERE client <> ''
UNION ALL
SELECT at_ms - at_ms % 3600000, partition_no, tenant, client, 0, 0, 0, 1
FROM events
WHERE client <> '' AND op_key IS NOT NULL;

-- only sqlite
CREATE VIEW client_usage_counted AS
SELECT CASE state WHEN 'held' THEN -1 ELSE ended_ms - ended_ms % 3600000 END AS hour_ms,
       partition_no, tenant, client, CASE state WHEN 'held' THEN 1 ELSE 0 END AS open_holds,
       CASE state WHEN 'held' THEN (SELECT SUM(l.quantity) FROM reservation_lines l
                                    WHERE l.rid = r.rid) ELSE 0 END AS units_held,
       COALESCE(length(CAST(metadata AS BLOB)), 0) AS metadata_bytes, 0 AS operation_keys
FROM reservations r
WHERE client <> ''
UNION ALL
SELECT at_ms - at_ms % 3600000, partition_no, tenant, client, 0, 0, 0, 1
FROM events
WHERE client <> '' AND op_key IS NOT NULL;

-- both
-- Clients whose usage is not what it is counted from; what is missing is below zero.
CREATE VIEW unbalanced_usage AS
SELECT hour_ms, partition_no, tenant, client, SUM(open_holds) AS open_holds,
       SUM(units_held) AS units_held, SUM(metadata_bytes) AS metadata_bytes,
       SUM(operation_keys) AS operation_keys
FROM (SELECT -1 AS hour_ms, partition_no, tenant, client, open_holds, units_held, metadata_bytes,
             0 AS operation_keys
      FROM client_usage
      UNION ALL
      SELECT hour_ms, partition_no, tenant, client, 0, 0, metadata_bytes, operation_keys
      FROM client_usage_hourly
      UNION ALL
      SELECT hour_ms, partition_no, tenant, client, -open_holds, -units_held, -metadata_bytes,
             -operation_keys
      FROM client_usage_counted) u
GROUP BY hour_ms, partition_no, tenant, client
HAVING SUM(open_holds) <> 0 OR SUM(units_held) <> 0 OR SUM(metadata_bytes) <> 0
       OR SUM(operation_keys) <> 0;
