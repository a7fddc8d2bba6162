/* opener.pml -- a ledger process at one Redis: carries entries to SQL, and opens epochs.
 *
 * It may crash between any two steps, and what it read may be old by the time that it is used.
 */
#define NEXT_HERE(n)  (seen_seq + 1 < ENTRIES && node[n].entry[AT(seen_epoch, seen_seq + 1)] != 0)
#define BEGINS(n, e)  ((e) <= EPOCHS && node[n].entry[AT(((e) <= EPOCHS -> (e) : 1), 0)] != 0)
#define NEXT_EPOCH(n) (BEGINS(n, seen_epoch + 1) || BEGINS(n, seen_epoch + 2) || BEGINS(n, seen_epoch + 3))
#define MORE(n)       (NEXT_HERE(n) || NEXT_EPOCH(n))

/* Rule TOKEN: SQL opens only for a promotion that is not older than the last that it opened for. */
#ifdef WITHOUT_TOKEN
#define NOT_OLDER(promotion) true
#else
#define NOT_OLDER(promotion) ((promotion) >= newest)
#endif
/* Rule APPLY: what lies behind the checkpoint is taken before its epoch gets its end. */
#ifdef WITHOUT_APPLY
#define ALL_TAKEN(n) true
#else
#define ALL_TAKEN(n) (!MORE(n) || node[n].tail_epoch < at_epoch)
#endif
#define TO_BE_OPENED(n) (LEADS(n) && !IS_OF(n))

#define OR_CRASH :: atomic { crashes_left > 0 -> crashes_left--; printf("a ledger process dies\n") }; goto begin

/* What an opening has to do about the data. */
mtype = { NOTHING, ROLL_FORWARD, BUILD_ANEW };

/* Rule CLAIM: meta is closed under the opener's own sign first, and every later write watches it. */
#ifdef WITHOUT_CLAIM
#define STILL_OURS(n) (LEADS(n) && node[n].life == life && node[n].tail_epoch == tail_epoch && node[n].tail_seq == tail_seq)
#else
#define STILL_OURS(n) (LEADS(n) && node[n].life == life && node[n].state == SHUT && node[n].sign == _pid)
#endif

inline claim(n)
{
    tail_epoch = node[n].tail_epoch;
    tail_seq = node[n].tail_seq;
    life = node[n].life;
    promotion = node[n].promotion;
    sql_was = at_epoch;
#ifndef WITHOUT_CLAIM
    node[n].state = SHUT;
    node[n].sign = _pid;
    CHANGED(n);
#endif
    printf("ledger process %d claims node %d, whose stream ends at %d-%d\n", _pid, n, tail_epoch, tail_seq)
}

/* Rule HIST: only a stream that ends within what SQL took can be continued. */
inline compare_pasts()
{
    if
    :: tail_epoch == at_epoch && tail_seq == at_seq -> repair = NOTHING
    :: tail_epoch == at_epoch && tail_seq < at_seq -> repair = ROLL_FORWARD
    :: tail_epoch < at_epoch && tail_seq <= ended_at[tail_epoch] -> repair = ROLL_FORWARD
#ifdef WITHOUT_HIST
    :: tail_epoch < at_epoch && tail_seq > ended_at[tail_epoch] -> repair = ROLL_FORWARD
#endif
    :: else -> repair = BUILD_ANEW
    fi
}

/* Rule SQL1: the end of the old epoch and the number of the new one stand in SQL before meta says
 * it. Rule NEWNO: whoever comes behind an interrupted opening takes another number. */
inline number_epoch(n)
{
#ifdef WITHOUT_NEWNO
    number = (tail_epoch < at_epoch && at_seq == 0 -> at_epoch : at_epoch + 1);
#else
    number = at_epoch + 1;
#endif
    printf("ledger process %d: epoch %d ended at %d, %d is for node %d: %e\n", _pid, at_epoch, at_seq, number, n, repair);
#if OPENERS == 1
    MUST(6, number <= promotions + CRASHES - crashes_left); /* no two nodes take turns */
#endif
    at_epoch = number;
    at_seq = 0;
    ended_at[number] = 0;
    newest = promotion
}

/* Rule DROP: what is built anew keeps nothing of a branch that SQL disowned, markers least. */
inline drop_all(n)
{
#ifndef WITHOUT_DROP
    node[n].marker[0] = 0;
    node[n].marker[1] = 0;
#endif
    d_step {
        k = 0;
        do
        :: k < EPOCHS * ENTRIES -> node[n].entry[k] = 0; k++
        :: else -> break
        od;
        k = 0
    };
    CHANGED(n)
}

/* Rule ROLL, in two pages, one for each kind of effect. What is built anew has nothing else. */
inline write_page(n, kind)
{
    node[n].effects = (repair == BUILD_ANEW -> (node[n].effects & (7 - kind)) : node[n].effects) | (held & kind);
    CHANGED(n)
}

inline open_meta(n)
{
    MUST(5, opened_for[number] == 0);
    opened_for[number] = promotion;
    node[n].epoch = number;
    node[n].opened_by = NAME_OF(n);
    node[n].order = promotion;
    node[n].rolled = (repair == NOTHING -> node[n].rolled : number);
    node[n].state = OPEN;
    node[n].sign = 0;
    node[n].tail_epoch = number;
    node[n].tail_seq = 0;
    node[n].entry[AT(number, 0)] = FIRST_EVENT;
    node[n].applied_epoch = number;
    node[n].applied_seq = 0;
    CHANGED(n);
    printf("ledger process %d: node %d is open in epoch %d\n", _pid, n, number)
}

proctype ledger_process(byte n)
{
    byte seen_epoch, seen_seq; /* the checkpoint, as last seen */
    byte e, q, op;             /* an entry that was read */
    byte tail_epoch, tail_seq, life, promotion, number, sql_was;
    mtype outcome, repair;
begin:
    atomic {
        seen_epoch = at_epoch; seen_seq = at_seq;
        e = 0; q = 0; op = 0; outcome = 0;
        tail_epoch = 0; tail_seq = 0; life = 0; promotion = 0; number = 0; sql_was = 0; repair = 0
    };
end:
    do
    :: atomic { /* XRANGE behind the checkpoint */
        LEADS(n) && outcome == 0 && MORE(n) ->
        if
        :: NEXT_HERE(n) -> e = seen_epoch; q = seen_seq + 1
        :: else ->
            q = 0;
            e = (BEGINS(n, seen_epoch + 1) -> seen_epoch + 1 : (BEGINS(n, seen_epoch + 2) -> seen_epoch + 2 : seen_epoch + 3))
        fi;
        op = node[n].entry[AT(e, q)]
       };
       if
       :: atomic { sql_take(e, q, op, outcome); seen_epoch = at_epoch; seen_seq = at_seq }
       OR_CRASH
       fi;
       if
       :: atomic { /* and then Redis is told */
            if
            :: outcome == TAKEN && LEADS(n) ->
                node[n].applied_epoch = seen_epoch;
                node[n].applied_seq = seen_seq;
                CHANGED(n)
            :: else
            fi;
            e = 0; q = 0; op = 0;
            if
            :: outcome == TAKEN -> outcome = 0
            :: else
            fi
          }
       OR_CRASH
       fi
    :: atomic { /* what SQL disowns shuts the partition here; then all is looked at anew */
        outcome != 0 ->
        if
        :: outcome == DISOWNED && LEADS(n) && IS_OF(n) && node[n].epoch < at_epoch ->
            node[n].state = SHUT;
            CHANGED(n);
            printf("node %d is shut: its epoch ended elsewhere\n", n)
        :: else
        fi
       };
       goto begin
#ifdef WITHOUT_SQL1
    :: atomic { /* Redis opens, and SQL follows by the entry */
        TO_BE_OPENED(n) && !MORE(n) && node[n].tail_epoch < EPOCHS ->
        tail_epoch = node[n].tail_epoch; tail_seq = node[n].tail_seq;
        life = node[n].life; number = node[n].epoch + 1; promotion = node[n].promotion
       };
       if
       :: tail_epoch < seen_epoch || (tail_epoch == seen_epoch && tail_seq < seen_seq) ->
            atomic { LEADS(n) -> node[n].state = SHUT }; goto lost
       :: else
       fi;
       if
       :: atomic { LEADS(n) && node[n].life == life && node[n].epoch + 1 == number && TO_BE_OPENED(n) -> open_meta(n) }
       :: !(LEADS(n) && node[n].life == life && node[n].epoch + 1 == number && TO_BE_OPENED(n))
       OR_CRASH
       fi;
       goto begin
#else
    :: atomic { TO_BE_OPENED(n) && outcome == 0 && at_epoch < EPOCHS && ALL_TAKEN(n) && NOT_OLDER(node[n].promotion) -> claim(n) };
#ifdef WITHOUT_FREEZE
       atomic { LEADS(n) && node[n].life == life -> node[n].effects = node[n].effects | held; CHANGED(n) };
#endif
       if
       :: atomic { /* one transaction of SQL */
            if
            :: !NOT_OLDER(promotion) || at_epoch != sql_was || at_epoch >= EPOCHS -> goto begin
#ifndef WITHOUT_APPLY
            :: tail_epoch == at_epoch && tail_seq > at_seq -> goto begin
#endif
            :: else
            fi;
            compare_pasts();
            number_epoch(n)
          }
       OR_CRASH
       fi;
#ifdef WITHOUT_FREEZE
       /* rule FREEZE: rows are read behind the end of the epoch; here they were read before */
       repair = (repair == ROLL_FORWARD -> NOTHING : repair);
#endif
#ifdef WITHOUT_ROLL
       repair = (repair == ROLL_FORWARD -> NOTHING : repair);
#endif
       if
       :: atomic { repair == BUILD_ANEW && STILL_OURS(n) -> drop_all(n) }
       :: repair == BUILD_ANEW && !STILL_OURS(n) -> goto begin
       :: repair != BUILD_ANEW
       fi;
       if
       :: repair == NOTHING
       :: repair != NOTHING ->
            if
            :: atomic { STILL_OURS(n) -> write_page(n, WITH_KEY) }
            :: !STILL_OURS(n) -> goto begin
            OR_CRASH
            fi;
            if
            :: atomic { STILL_OURS(n) -> write_page(n, WITHOUT_KEY) }
            :: !STILL_OURS(n) -> goto begin
            OR_CRASH
            fi
       fi;
       if
       :: atomic { STILL_OURS(n) -> open_meta(n) }
       :: !STILL_OURS(n)
       OR_CRASH
       fi;
       goto begin
#endif
    od;
#ifdef WITHOUT_SQL1
lost:
    skip
#endif
}
