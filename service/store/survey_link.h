/* survey_link.h -- what the files of the survey share: commands, transactions, values in replies.
 *
 * Layer: store, private to survey*.c. An answer of another shape than the command gives means that
 * the connection is of no use any more: it is closed, and admin_why() says so.
 */
#ifndef STORE_SURVEY_LINK_H
#define STORE_SURVEY_LINK_H

#include "store/admin_link.h"
#include "store/survey.h"

/* Begins a command of `args` arguments: its name and its key. */
void survey_command(struct admin *admin, size_t args, struct str name, unsigned partition,
                    struct str kind, struct str of);

/* MULTI; the caller writes commands; EXEC. The array of their answers, none of them an error. */
void survey_begin(struct admin *admin);
redisReply *survey_commit(struct admin *admin, size_t commands);

/* One page of HSCAN or ZSCAN: the cursor and a list of pairs. NULL: -EIO. */
redisReply *survey_scan(struct admin *admin, struct str name, unsigned partition, struct str kind,
                        struct str of, char cursor[SURVEY_CURSOR_SIZE]);

/* Closes the connection and frees the reply: -EIO. */
int survey_surprised(struct admin *admin, redisReply *reply);

/* A score of ours, which is positive and whole; 0: there is none; -1: it is not ours. */
int64_t survey_score(const redisReply *reply);

/* The item in a reply of GET. */
enum survey_found survey_item_of(const redisReply *reply, struct item *item);

/* The record in a reply. -ENOMEM or 0. */
int survey_record_of(struct arena *arena, const redisReply *reply, struct survey_record *record)
    __attribute__((warn_unused_result));

/* False: these bytes are no id of ours. */
bool survey_rid(const redisReply *reply, unsigned partition, struct rid *id);

#endif
