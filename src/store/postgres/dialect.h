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
 * A statement for many rows at once (`together`) has its parameters as columns of arrays:
 *
 *   UPDATE runs SET a=?1 WHERE id=?2
 *   UPDATE runs SET a=argil_b.p1 FROM unnest($1,$2) WITH ORDINALITY AS argil_b(p1,p2,n)
 *    WHERE runs.ws=7 AND (id=argil_b.p2) RETURNING argil_b.n
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
    bool together; /* for many rows */
    bool (*counts_ids)(void *ctx, const char *table);
    void *ctx;
};

struct dialect_out {
    struct buf sql;
    int params;       /* without the id */
    const char *id_of; /* table whose next id is parameter params+1; NULL = none */
    bool reads;        /* SELECT */
    const char *into;  /* INSERT: the table, by its name here */
    bool lists;        /* has the items of a list in FROM */
    bool ddl;
    bool together; /* it could be made for many rows */
    bool tells;    /* and gives the id (id_of), or else the position, of each row that it changed */
    uint64_t common;           /* parameters (bit 0 is the first) that all rows share: $n as ever */
    const char *made_counting; /* CREATE TABLE: that it counts ids from now on */
};

/* The statement at *sql, which moves behind it. False at the end of the text. */
bool dialect_next(const struct dialect *d, const char **sql, struct dialect_out *out);

#endif
