/* sql.pml -- the ledger's database: where it is, where each epoch ended, what it holds.
 *
 * A transaction under the lock on the checkpoint is one step.
 */
byte at_epoch = 1, at_seq = 0;  /* the checkpoint */
byte ended_at[EPOCHS + 1];      /* the last entry of each epoch that SQL took */
byte held;                      /* the effects of all entries taken */
byte newest = 1;                /* the promotion that the newest epoch was opened for */
byte opened_for[EPOCHS + 1];    /* of each epoch that was opened in Redis: for which promotion */

mtype = { TAKEN, DISOWNED, ELSEWHERE };

/* Takes one entry, or says why not. Rule DISOWN: an entry behind the end of its epoch, once that is
 * over, is not there and never will be. */
inline sql_take(e, q, op, outcome)
{
    if
    :: e == at_epoch && q == at_seq + 1 ->
        MUST(3, !(held & EFFECT(op)));
        MUST(3, !((EFFECT(op) & WITH_KEY) && (held & WITH_KEY)));
        at_seq = q;
        ended_at[e] = q;
        held = held | EFFECT(op);
        outcome = TAKEN
    :: e == at_epoch && q <= at_seq -> outcome = TAKEN
    :: e < at_epoch && q <= ended_at[e] -> outcome = TAKEN
    :: e < at_epoch && q > ended_at[e] ->
#ifdef WITHOUT_DISOWN
        outcome = TAKEN
#else
        outcome = DISOWNED
#endif
#ifdef WITHOUT_SQL1
    :: e == at_epoch + 1 && q == 0 -> /* what Redis opened, SQL follows */
        at_epoch = e;
        at_seq = 0;
        ended_at[e] = 0;
        outcome = TAKEN
#endif
    :: else -> outcome = ELSEWHERE
    fi;
    printf("   SQL: entry %d-%d of operation %d: %e; at %d-%d\n", e, q, op, outcome, at_epoch, at_seq)
}
