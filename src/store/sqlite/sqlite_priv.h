/* sqlite_priv.h - the SQLite engine of store/sql.
 *
 * open.c opens, locks and fences; engine.c runs statements and is the only judge
 * of SQLite's result codes; functions.c are the functions that SQL calls. */
#ifndef ARGIL_STORE_SQLITE_PRIV_H
#define ARGIL_STORE_SQLITE_PRIV_H

#include "store/sql/sql_session.h"

#include <sqlite3.h>

#define SQLITE_APPLICATION_ID 0x4172676c /* "Argl" */

struct sqlite {
    struct sq sq; /* first: a struct sq * of ours is a struct sqlite * */
    sqlite3 *db;
    struct map *statements;
    char *path;
    bool has_turn;
};

static inline struct sqlite *sqlite_of(struct sq *sq)
{
    return (struct sqlite *)sq;
}

/* ---- engine.c */
extern const struct sq_engine sqlite_engine;
/* Reads sqlite's last error into *err; an I/O error, a full disk or a damaged
 * file also marks the store as broken. Returns FAIL. `doing`: "reading rows". */
enum status sqlite_fail(struct sqlite *s, struct err *err, const char *doing);

/* ---- open.c */
void sqlite_close_store(struct sq *sq);
enum status sqlite_open_another(struct sq *first, bool read_only, struct store **out,
                                struct err *err);

/* ---- lineage.c: `folder` holds the marks; NULL: there are none */
enum status sqlite_lineage_check(struct sq *sq, const char *folder, int64_t epoch_before,
                                 struct err *err);
void sqlite_lineage_mark(struct sq *sq, const char *folder);

/* ---- functions.c: argil_sort and argil_fold; a result code of SQLite's. */
int sqlite_register_functions(sqlite3 *db);

#endif
