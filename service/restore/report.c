/* report.c -- what a restore did, or would do, for people. */
#include "clock.h"
#include "restore/restore.h"

#include <inttypes.h>

#define LISTED_MAX 32 /* partitions; more only if there is something to say of them */

static const char *const finds[] = {
    [PART_SOUND] = "open",
    [PART_BEHIND] = "behind SQL",
    [PART_LOST] = "lost",
    [PART_CLOSED] = "closed",
};

int64_t restore_known_ms(const struct restore *restore)
{
    int64_t known_ms = 0;
    for (unsigned p = 0; p < restore->scene.partitions; p++)
        if (restore->scene.parts[p].sql.at_ms > known_ms)
            known_ms = restore->scene.parts[p].sql.at_ms;
    return known_ms;
}

static void print_part(FILE *out, unsigned p, const struct scene_part *part, const char *will)
{
    struct event_id at = part->sql.id;
    fprintf(out, "partition %u: was %s; SQL ends at %" PRId64 "-%" PRId64 ", Redis ", p,
            meta_missing(&part->meta) ? "gone" : finds[verdict_part(part)], at.epoch, at.seq);
    if (part->tail.epoch == 0)
        fprintf(out, "had no events\n");
    else
        fprintf(out, "ended at %" PRId64 "-%" PRId64 "\n", part->tail.epoch, part->tail.seq);
    if (part->unapplied > 0)
        fprintf(out,
                "  %s: %" PRId64 " entries that SQL has not, %" PRId64 "-%" PRId64 " to %" PRId64
                "-%" PRId64 "\n",
                will, part->unapplied, part->first.epoch, part->first.seq, part->last.epoch,
                part->last.seq);
    else if (event_id_compare(part->tail, at) > 0)
        fprintf(out, "  %s: what came behind SQL's end, which Redis has not any more either\n",
                will);
}

static void print_count(FILE *out, const char *what, int64_t count)
{
    fprintf(out, "  %-30s %12" PRId64 "\n", what, count);
}

static void print_counts(FILE *out, const struct restore_counts *counts)
{
    print_count(out, "items", counts->items - counts->deleted);
    print_count(out, "deleted items (versions)", counts->deleted);
    print_count(out, "held reservations", counts->held);
    print_count(out, "finished reservations", counts->ended);
    print_count(out, "operation records", counts->operations);
    print_count(out, "customers' shares", counts->shares);
}

void restore_print(FILE *out, const struct restore *restore)
{
    char time[CLOCK_RFC3339_SIZE];
    bool dry = restore->options->dry_run;
    const struct scene *scene = &restore->scene;
    for (unsigned p = 0; p < scene->partitions; p++)
        if (p < LISTED_MAX || scene->parts[p].unapplied > 0)
            print_part(out, p, &scene->parts[p], dry ? "would be lost" : "lost");
    fprintf(out, "%s, %u partition%s, from ledger %s, as epoch %" PRId64 ":\n",
            dry ? "would restore" : "restored", scene->partitions,
            scene->partitions == 1 ? "" : "s", scene->ledger_id, restore->epoch);
    print_counts(out, &restore->counts);
    if (!dry)
        print_count(out, "old keys dropped", restore->rebuild.unlinked);
    clock_format_rfc3339(restore_known_ms(restore), time);
    fprintf(out,
            "SQL knew everything up to %s. What was acknowledged after that and is not in SQL is "
            "lost;\nat --durability ledger nothing that was acknowledged is.\n",
            time);
    if (dry)
        fprintf(out, "Nothing was written.\n");
}

void restore_print_progress(FILE *out, const struct restore *restore, const char *end)
{
    const struct restore_counts *counts = &restore->counts;
    fprintf(out, "%s: %" PRId64 " reservations, %" PRId64 " operations, %" PRId64 " items%s",
            restore->phase, counts->held + counts->ended, counts->operations, counts->items, end);
    fflush(out);
}
