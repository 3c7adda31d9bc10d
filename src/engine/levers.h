/* levers.h - what a person throws when something goes wrong (reliability D.5).
 *
 * Stopping all sending: nothing that changes an org is sent any more. The switch is a file
 * in the data directory, so that anybody who can reach the disk can throw it, also while
 * argil hangs; and where several processes share a store, it is in the store, too, for all
 * of them (store_shares.h). Either is enough; both hold across restarts and are looked at
 * before every exchange. What was planned stays in the journal; reads and formulas go on. */
#ifndef ARGIL_ENGINE_LEVERS_H
#define ARGIL_ENGINE_LEVERS_H

#include "base/arena.h"
#include "base/err.h"
#include "store/store.h"

#define STOP_SENDING "STOP-SENDING" /* the file's name */

/* The reason (may be NULL) is kept in the file. Durable when it returns OK. */
enum status lever_stop(const char *data, const char *reason, struct err *err);
enum status lever_resume(const char *data, struct err *err);
/* *reason (may be NULL): on `arena`, NULL = none was given. data NULL = false. */
bool lever_stopped(const char *data, struct arena *arena, const char **reason);
/* The file or the store's own: true also when the store cannot be asked. */
bool lever_stopped_anywhere(const char *data, struct store *store, struct arena *arena,
                            const char **reason);
/* A line in the audit for the above: who threw it, and why. */
enum status lever_note(struct store *store, const char *who, bool stopped, const char *reason,
                       struct err *err);

#endif
