/* dialect.h - a statement of store/sql, as PostgreSQL takes it, confined to one workspace.
 *
 * All workspaces of a database share its tables; `ws`, the number of a workspace,
 * is the first column of each and of every key and index, so that a distributed
 * PostgreSQL can shard by it. The nouns do not know of it: every statement is
 * rewritten here, once, when it is prepared. A statement cannot see or touch rows
 * of another workspace, because there is no other way to a table than through here.
 *
 *   SELECT .. FROM runs r WHERE   SELECT .. FROM (SELECT * FROM runs WHERE ws=7) r WHERE
 *   UPDATE runs SET .. WHERE a    UPDATE runs SET .. WHERE runs.ws=7 AND (a)
 *   INSERT INTO runs(a) VALUES(?) INSERT INTO runs(ws,id,a) VALUES(7,$2,$1)
 *   ON CONFLICT(a)                ON CONFLICT(ws,a)
 *   t12, s12_running              t7_12, s7_12_running
 *
 * Ids of AUTOINCREMENT tables are counted per workspace: the session gives the
 * next one as a parameter behind the others (`id_of`). Besides, what SQLite says
 * otherwise: IS, LIMIT -1, two-argument max, instr, x'..', CROSS JOIN .. ON. */
#ifndef ARGIL_STORE_POSTGRES_DIALECT_H
#define ARGIL_STORE_POSTGRES_DIALECT_H

#include "base/arena.h"
#include "base/buf.h"

#include <stdint.h>

/* Which tables count their ids; `ctx` is the session's. */
struct dialect {
    struct arena *arena;
    int64_t ws;
    bool (*counts_ids)(void *ctx, const char *table);
    void *ctx;
};

struct dialect_out {
    struct buf sql;
    int params;       /* without the id */
    const char *id_of; /* table whose next id is parameter params+1; NULL = none */
    bool reads;       /* SELECT */
    bool ddl;
    const char *made_counting; /* CREATE TABLE: that it counts ids from now on */
};

/* The statement at *sql, which moves behind it. False at the end of the text. */
bool dialect_next(const struct dialect *d, const char **sql, struct dialect_out *out);

#endif
