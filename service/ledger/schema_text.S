/* schema_text.S -- the files of sql/, read-only, found by the assembler's include path; schema.c names
 * them. */
    .section .rodata.schema, "a"

    .macro sql_file symbol, file
    .global sql_\symbol, sql_\symbol\()_end
sql_\symbol:
    .incbin "\file"
sql_\symbol\()_end:
    .byte 0
    .endm

    sql_file 0001, "0001_ledger.sql"
    sql_file 0002, "0002_checkpoints.sql"
    sql_file 0003, "0003_events.sql"
    sql_file 0004, "0004_items.sql"
    sql_file 0005, "0005_reservations.sql"
    sql_file 0006, "0006_operations.sql"
    sql_file 0007, "0007_views.sql"
    sql_file 0008, "0008_lookups.sql"
    sql_file 0009, "0009_restores.sql"
    sql_file 0010, "0010_epochs.sql"
    sql_file 0011, "0011_event_types.sql"
    sql_file 0012, "0012_promotions.sql"
    sql_file 0013, "0013_tenants.sql"
    sql_file 0014, "0014_trace.sql"
    sql_file 0015, "0015_hooks.sql"

    .section .note.GNU-stack, "", %progbits
