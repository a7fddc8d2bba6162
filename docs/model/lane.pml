/* lane.pml -- a worker's lane: one operation, until it has an answer or its time is over.
 *
 * A lane asks any Redis that calls itself a primary: topologies that are wrong are covered by that.
 */
byte promised; /* effects that a 2xx said are there */
byte refused;  /* operations that were answered 503: nothing changed */
bool late_2xx; /* there was a 2xx in an epoch behind the first */

mtype = { HAPPENED, NEVER, BY_KEY, UNKNOWN }; /* what a marker tells of an EXEC */

/* An EXEC on its way, with all that it watches. */
typedef transaction { bool is; byte n, life, epoch, opened_by, marker, keys, number, op };
transaction lost[2]; /* of each lane: one that it was never answered */

/* Rule FRESH: a connection does not outlive the role of the Redis that it was made to. */
#ifdef WITHOUT_FRESH
#define IS_FRESH     true
#define IS_OPEN_HERE (node[n].state == OPEN && node[n].opened_by == name)
#else
#define IS_FRESH     (node[n].life == life)
#define IS_OPEN_HERE (node[n].state == OPEN && node[n].opened_by == name && LEADS(n))
#endif
/* Rule SAMEEP: `applied` covers entries of its own epoch alone. */
#ifdef WITHOUT_SAMEEP
#define IS_APPLIED (node[n].applied_epoch > its_epoch || (node[n].applied_epoch == its_epoch && node[n].applied_seq >= its_seq))
#else
#define IS_APPLIED (node[n].applied_epoch == its_epoch && node[n].applied_seq >= its_seq)
#endif
/* Rule GATE: a lost EXEC is decided on a partition that is open. Rule LOWER: and not in an epoch
 * before the one that it was sent in. */
#ifdef WITHOUT_GATE
#define MAY_DECIDE true
#else
#define MAY_DECIDE IS_OPEN_HERE
#endif
#ifdef WITHOUT_LOWER
#define NOT_BELOW true
#else
#define NOT_BELOW (node[n].epoch >= sent_epoch)
#endif

/* At the server: it takes effect if all that it watched is as it was. */
inline execute(t, lane_no, took_effect)
{
    took_effect = LEADS(t.n) && node[t.n].life == t.life && node[t.n].epoch == t.epoch &&
        node[t.n].opened_by == t.opened_by && node[t.n].state == OPEN && node[t.n].marker[lane_no] == t.marker &&
        node[t.n].tail_seq + 1 < ENTRIES && (t.op == 3 || (node[t.n].effects & WITH_KEY) == t.keys);
    if
    :: took_effect ->
        node[t.n].tail_seq++;
        node[t.n].entry[AT(node[t.n].tail_epoch, node[t.n].tail_seq)] = t.op;
        node[t.n].effects = node[t.n].effects | EFFECT(t.op);
        node[t.n].marker[lane_no] = t.number;
        CHANGED(t.n);
        printf("   EXEC of operation %d at node %d: entry %d-%d\n", t.op, t.n, node[t.n].tail_epoch, node[t.n].tail_seq)
    :: else -> printf("   EXEC of operation %d at node %d: nil\n", t.op, t.n)
    fi
}

inline forget(t)
{
    t.is = false; t.n = 0; t.life = 0; t.epoch = 0; t.opened_by = 0; t.marker = 0; t.keys = 0; t.number = 0; t.op = 0
}

/* What a lane was never answered arrives at any later time, or never. */
proctype network(byte i)
{
    bool took_effect;
end:
    do
    :: d_step { lost[i].is -> execute(lost[i], i, took_effect); took_effect = false; forget(lost[i]) }
    :: d_step { lost[i].is -> forget(lost[i]) }
    od
}

inline connect_to(m)
{
    n = m; name = NAME_OF(m); life = node[m].life
}

#define FOUND_BY_KEY (op == 3 -> 0 : (node[n].effects & WITH_KEY))

/* WATCH and the reads of a batch: what it will watch. */
inline read_batch()
{
    life = node[n].life;
    sent_epoch = node[n].epoch;
#ifdef WITHOUT_KEEP
    doubt = false;
#else
    /* Rule KEEP: where its key is, the effect may be its own, and is not safe yet. */
    doubt = doubt && FOUND_BY_KEY != 0;
#endif
}

inline prepare()
{
    number++;
    now.n = n; now.life = life; now.epoch = sent_epoch; now.opened_by = node[n].opened_by;
    now.marker = node[n].marker[i]; now.keys = node[n].effects & WITH_KEY;
    now.number = number; now.op = op; now.is = true;
    its_epoch = 0; its_seq = 0
}

inline lose()
{
    lost[i].n = now.n; lost[i].life = now.life; lost[i].epoch = now.epoch; lost[i].opened_by = now.opened_by;
    lost[i].marker = now.marker; lost[i].keys = now.keys; lost[i].number = now.number; lost[i].op = now.op;
    lost[i].is = true;
    unsettled = true;
    printf("lane %d: EXEC sent to node %d, never answered\n", i, n)
}

inline promise()
{
    promised = promised | result;
    late_2xx = late_2xx || sent_epoch > 1;
    printf("lane %d: 2xx for %d at node %d\n", i, result, n)
}

/* What the marker says of the lost EXEC, on a partition where that may be asked. */
inline ask_marker()
{
    doubt = true;
    if
    :: node[n].marker[i] == number -> verdict = HAPPENED
    :: node[n].marker[i] == FENCED + number -> verdict = NEVER
    :: node[n].marker[i] != number && node[n].marker[i] != FENCED + number && node[n].rolled <= sent_epoch ->
        node[n].marker[i] = FENCED + number;
        CHANGED(n);
        printf("lane %d: fenced at node %d in epoch %d\n", i, n, node[n].epoch);
        verdict = NEVER
    :: node[n].marker[i] != number && node[n].marker[i] != FENCED + number && node[n].rolled > sent_epoch ->
#ifdef WITHOUT_LATER
        node[n].marker[i] = FENCED + number;
        CHANGED(n);
        verdict = NEVER
#else
        /* Rule LATER: what SQL brought since has effects without their markers. */
        verdict = (op == 3 -> UNKNOWN : BY_KEY)
#endif
    fi
}

proctype lane(byte i; byte op)
{
    byte n, name, life;      /* the connection */
    byte number, sent_epoch; /* the last EXEC */
    byte its_epoch, its_seq; /* the entry that must be safe */
    byte result;
    bool unsettled, doubt, took_effect;
    mtype verdict;
    transaction now;
connect:
    if
    :: atomic { LEADS(0) -> connect_to(0) }
    :: atomic { LEADS(1) -> connect_to(1) }
    :: goto over
    fi;
    if
    :: unsettled -> goto fence
    :: else
    fi;
batch:
    if
    :: !IS_FRESH || node[n].role == DEAD -> goto connect
    :: IS_FRESH && !IS_OPEN_HERE -> goto over
    :: atomic {
        IS_FRESH && IS_OPEN_HERE ->
        read_batch();
        if
        :: FOUND_BY_KEY != 0 -> /* a replay, of what may be younger than what is safe */
            result = FOUND_BY_KEY;
            its_epoch = node[n].tail_epoch;
            its_seq = node[n].tail_seq;
            goto wait
        :: else
        fi;
        if
        :: number < SENDS -> prepare()
        :: else -> goto over
        fi
       }
    fi;
    if
    :: atomic { /* answered */
        IS_FRESH && LEADS(n) ->
        execute(now, i, took_effect);
        now.is = false;
        if
        :: took_effect ->
            its_epoch = sent_epoch; its_seq = node[n].tail_seq;
            result = EFFECT(op);
            unsettled = true;
            took_effect = false;
            goto wait
        :: else -> goto batch
        fi
       }
    :: atomic { !lost[i].is -> lose(); goto connect }
    fi;
wait: /* until it is as safe as was promised */
    atomic {
        waits[i] = true;
        waits_at[i] = n;
        copied[i] = !node[n].ahead && node[1 - n].role == REPLICA && primary == n
    };
    if
#ifdef REPLICATED
    :: atomic { copied[i] && IS_FRESH && LEADS(n) -> promise(); goto stop }
#else
    :: atomic { IS_APPLIED && IS_FRESH && node[n].role != DEAD -> promise(); goto stop }
#endif
    :: waits[i] = false; goto connect
    :: goto stop /* 504 */
    fi;
fence:
    if
    :: !IS_FRESH || !LEADS(n) -> goto connect
    :: IS_FRESH && !MAY_DECIDE -> goto over
    :: !NOT_BELOW -> goto over
    :: atomic {
        IS_FRESH && LEADS(n) && MAY_DECIDE && NOT_BELOW ->
        ask_marker();
        if
        :: verdict == HAPPENED ->
            if
            :: its_epoch == 0 || its_epoch != node[n].epoch -> its_epoch = node[n].tail_epoch; its_seq = node[n].tail_seq
            :: else
            fi;
            result = EFFECT(op);
            verdict = 0;
            goto wait
        :: verdict == UNKNOWN -> goto stop /* 504 */
        :: else -> unsettled = false; verdict = 0
        fi
       }
    fi;
    goto batch;
over: /* another try, or the time is over */
    if
    :: goto connect
    :: unsettled || doubt /* 504 */
    :: !unsettled && !doubt -> refused = refused | EFFECT(op); printf("lane %d: 503\n", i)
    fi;
stop:
    atomic {
        waits[i] = false; copied[i] = false; verdict = 0;
        n = 0; name = 0; life = 0; number = 0; sent_epoch = 0; its_epoch = 0; its_seq = 0; result = 0
    }
}
