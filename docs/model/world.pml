/* world.pml -- two Redis: what each holds, how one follows the other, and who is promoted. */

mtype = { REPLICA, PRIMARY, DEAD };
#define SHUT 0
#define OPEN 1

typedef redis {
    /* the process */
    mtype role;     /* as it sees itself: a primary that was cut off does not know better */
    byte promotion; /* the latest of its own, numbered as Sentinel and Cluster number them */
    byte name;      /* its replication id: the promotion that made it a primary */
    byte life;      /* changes with each change of its role, as its connections should */
    bool ahead;     /* it has what its replica has not */
    /* the data, which are replicated */
    byte epoch, opened_by, state, sign; /* meta; opened_by: the name that is in it */
    byte order;                         /* meta: the promotion that it was opened for */
    byte rolled;                        /* meta: the last epoch before which effects came from SQL */
    byte effects;                       /* items, records, results of keys */
    byte marker[2];                     /* of each lane: its last EXEC, or FENCED and that number */
    byte applied_epoch, applied_seq;    /* what SQL is said to hold */
    byte tail_epoch, tail_seq;          /* the last id of the stream */
    byte entry[EPOCHS * ENTRIES];       /* the stream; 0: nothing there */
};
redis node[2];

byte primary = 0;    /* as the majority sees it */
byte promotions = 1; /* so far */
byte crashes_left = CRASHES;

#define FENCED      8
#define AT(e, q)    (((e) - 1) * ENTRIES + (q))
#define CHANGED(n)  node[n].ahead = true
#define LEADS(n)    (node[n].role == PRIMARY)

/* Rule REIGN: meta names the promotion that opened it, not the process, which may be promoted
 * twice. */
#ifdef WITHOUT_REIGN
#define NAME_OF(n) ((n) + 1)
#else
#define NAME_OF(n) (node[n].name)
#endif
/* Rule ORDER: a primary that is named again without having been a replica keeps its name. That it
 * was promoted shows in the order alone. */
#ifdef WITHOUT_ORDER
#define IS_OF(n) (node[n].opened_by == NAME_OF(n))
#else
#define IS_OF(n) (node[n].opened_by == NAME_OF(n) && node[n].order >= node[n].promotion)
#endif

/* A level `replicated`: whether WAIT is under way for a lane, and whether a copy was made since. */
bool waits[2], copied[2];
byte waits_at[2];

hidden byte k; /* of loops that are one step */

inline copy_data(from, to)
{
    node[to].epoch = node[from].epoch;
    node[to].opened_by = node[from].opened_by;
    node[to].order = node[from].order;
    node[to].rolled = node[from].rolled;
    node[to].state = node[from].state;
    node[to].sign = node[from].sign;
    node[to].effects = node[from].effects;
    node[to].marker[0] = node[from].marker[0];
    node[to].marker[1] = node[from].marker[1];
    node[to].applied_epoch = node[from].applied_epoch;
    node[to].applied_seq = node[from].applied_seq;
    node[to].tail_epoch = node[from].tail_epoch;
    node[to].tail_seq = node[from].tail_seq;
    k = 0;
    do
    :: k < EPOCHS * ENTRIES -> node[to].entry[k] = node[from].entry[k]; k++
    :: else -> break
    od;
    k = 0;
    node[from].ahead = false;
    node[to].ahead = false;
    copied[0] = copied[0] || (waits[0] && waits_at[0] == from);
    copied[1] = copied[1] || (waits[1] && waits_at[1] == from);
    printf("   node %d has what node %d has\n", to, from)
}

/* Asynchronous: this step may come at any time or never, so a replica holds any prefix. Only the
 * true primary is followed. */
#define FOLLOWS(a, b) (primary == (a) && LEADS(a) && node[b].role == REPLICA && node[a].ahead)

proctype replication()
{
end:
    do
    :: d_step { FOLLOWS(0, 1) -> copy_data(0, 1) }
    :: d_step { FOLLOWS(1, 0) -> copy_data(1, 0) }
    od
}

inline promote(n)
{
    d_step {
        promotions++;
        node[n].role = PRIMARY;
        node[n].promotion = promotions;
        node[n].name = promotions;
        node[n].life++;
        CHANGED(n);
        primary = n;
        printf("node %d is promoted\n", n)
    }
}

/* One that calls itself a primary already: nothing changes there, not even its connections. */
inline name_again(n)
{
    d_step {
        promotions++;
        node[n].promotion = promotions;
        CHANGED(n);
        primary = n;
        printf("node %d, a primary in its own eyes, is named again\n", n)
    }
}

/* It keeps its own data until it has been resynchronised, which is copy_data(). */
inline demote(n)
{
    d_step {
        node[n].role = REPLICA;
        node[n].life++;
        CHANGED(primary);
        printf("node %d is demoted\n", n)
    }
}

inline die(n)
{
    d_step { node[n].role = DEAD; node[n].life++; printf("node %d dies\n", n) }
}

/* 0 to 1, and perhaps back to 0; an old primary dies, learns of it, or goes on as it was. Sentinels
 * may name that one again (AGAIN). */
proctype failovers()
{
#if PROMOTIONS > 0
    if
    :: promote(1)
    :: goto none
    fi;
    if
    :: die(0)
    :: demote(0)
    :: skip
    fi;
#endif
#if PROMOTIONS > 1
    if
    :: node[0].role == REPLICA -> promote(0) /* resynchronised or not */
#ifdef AGAIN
    :: LEADS(0) -> name_again(0)
#endif
    :: goto none
    fi;
    if
    :: demote(1)
    :: skip
    fi;
#endif
none:
    skip
}

inline begin_world()
{
    node[1].role = REPLICA;
    node[0].role = PRIMARY;
    node[0].promotion = 1;
    node[0].name = 1;
    node[0].epoch = 1;
    node[0].opened_by = NAME_OF(0);
    node[0].order = 1;
    node[0].state = OPEN;
    node[0].applied_epoch = 1;
    node[0].tail_epoch = 1;
    node[0].entry[AT(1, 0)] = FIRST_EVENT;
    d_step { copy_data(0, 1) };
    opened_for[1] = 1
}
