/* judge.pml -- the properties, judged when nothing moves any more; 3, 5 and 6 also on the way. */

proctype judge()
{
    timeout ->
    MUST(6, !LEADS(primary) || at_epoch >= EPOCHS ||
            (node[primary].state == OPEN && IS_OF(primary) && node[primary].epoch == at_epoch));
    if
    :: at_epoch >= EPOCHS -> goto beyond
    :: else
    fi;
    MUST(1, (promised & held) == promised);
    MUST(8, (promised & node[primary].effects) == promised);
    MUST(2, (refused & held) == 0 && (refused & node[primary].effects) == 0);
    MUST(4, node[primary].effects == held);
#ifdef SANITY
    MUST(7, !late_2xx);
#endif
beyond:
    skip
}
