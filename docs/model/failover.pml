/* failover.pml -- one partition on two Redis and one ledger in SQL, for the model checker Spin: is
 * every answer still true when a replica is promoted while the old primary lives on?
 *
 * The parts: world.pml has the Redis, how they replicate and who is promoted; sql.pml the ledger's
 * database; opener.pml the ledger process, which carries entries and opens epochs; lane.pml a worker's
 * connection that commits; judge.pml the properties. README.md names the rules, where the
 * code keeps each, and how this is run: -DWITHOUT_<RULE> takes one away.
 *
 * Sizes, small on purpose; past the last epoch nothing is judged.
 */
#ifndef PROMOTIONS
#define PROMOTIONS 1 /* failovers at most: 0 to 2 */
#endif
#ifndef CRASHES
#define CRASHES 1 /* of ledger processes, between any two of their steps */
#endif
#ifndef SENDS
#define SENDS 2 /* EXECs that a lane sends at most */
#endif
#define EPOCHS  4
#define ENTRIES 4 /* of an epoch, its first event included */

/* The operations, whose effects are sets of bits. 1 and 2 are a client's two tries with one key,
 * through two services; 3 has no key. */
#define EFFECT(op)  (1 << ((op) - 1))
#define WITH_KEY    3
#define WITHOUT_KEY 4
#define FIRST_EVENT 7 /* the entry that begins an epoch */

#ifndef LANE_A
#define LANE_A 1 /* the operation of each lane; 0: there is no such lane */
#endif
#ifndef LANE_B
#define LANE_B 0
#endif
#ifndef OPENERS
#define OPENERS 1 /* ledger processes at node 1, which is the first to be promoted */
#endif

#ifdef ONLY /* judge one property alone */
#define MUST(property, holds) assert(ONLY != (property) || (holds))
#else
#define MUST(property, holds) assert(holds)
#endif

#include "world.pml"
#include "sql.pml"
#include "opener.pml"
#include "lane.pml"
#include "judge.pml"

init {
    atomic {
        begin_world();
        run replication();
        run failovers();
        run ledger_process(0);
        run ledger_process(1);
#if OPENERS > 1
        run ledger_process(1);
#endif
#if LANE_A
        run network(0);
        run lane(0, LANE_A);
#endif
#if LANE_B
        run network(1);
        run lane(1, LANE_B);
#endif
        run judge()
    }
}
