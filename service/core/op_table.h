/* op_table.h -- every kind of operation, a row each: all that the rest of the program asks of it.
 *
 * Layer: core, and private to it: op.c makes the traits of the rows, decide.h and plan.c the
 * list of decisions.
 * A row is OP_<kind>, its name and that of its decision (decide_<name>), OP_BODY_<body>,
 * EVENT_<event>, OUT_<success>, ROLE_<least>, flags; op.h says what they mean.
 *
 * Invariant: op.c compiles only if each kind has one row.
 */
#pragma once

/* clang-format off */
#define OP_TABLE(ROW)                                                                              \
    /*  kind       name       body         event      success     least   flags */                 \
    ROW(PUT,       put,       ITEM,        SET,       OK,         STOCK,  STORES)                  \
    ROW(ADJUST,    adjust,    ITEM,        ADJUST,    OK,         STOCK,  0)                       \
    ROW(DELETE,    delete,    NONE,        DELETE,    NO_CONTENT, STOCK,  0)                       \
    ROW(DECREMENT, decrement, SALE,        DECREMENT, OK,         SELLER, TAKES_UNITS)             \
    ROW(RESERVE,   reserve,   RESERVATION, RESERVE,   CREATED,    SELLER, TAKES_UNITS | STORES)    \
    ROW(CONFIRM,   confirm,   RESERVATION, CONFIRM,   OK,         SELLER, NAMES_RESERVATION)       \
    ROW(RELEASE,   release,   RESERVATION, RELEASE,   OK,         SELLER, NAMES_RESERVATION)       \
    ROW(EXTEND,    extend,    RESERVATION, EXTEND,    OK,         SELLER, NAMES_RESERVATION)       \
    ROW(GET,       get,       RESERVATION, NONE,      OK,         READER, NAMES_RESERVATION)       \
    ROW(SWEEP,     sweep,     NONE,        NONE,      OK,         ADMIN,  0)                       \
    ROW(TRANSFER,  transfer,  TRANSFER,    TRANSFER,  OK,         STOCK,  TAKES_UNITS)
/* clang-format on */
