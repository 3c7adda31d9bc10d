/* sources.c - the sources of a table: placing, reading, and what they hold. */
#include "store/sql/sql_priv.h"

#include <string.h>

/* ---------------------------------------------------------------- reading */

static void read_source(struct sq_stmt *stmt, struct arena *arena, struct source *s)
{
    *s = (struct source){.id = sq_col_int(stmt, 0),
                         .slot = (int)sq_col_int(stmt, 1),
                         .name = sq_col_text(stmt, 2, arena),
                         .kind = sq_col_text(stmt, 3, arena),
                         .connection = sq_col_text(stmt, 4, arena),
                         .object = sq_col_text(stmt, 5, arena),
                         .config = sq_col_text(stmt, 6, arena),
                         .row_count = sq_col_int(stmt, 7),
                         .drift = sq_col_text(stmt, 8, arena),
                         .heard = !sq_col_peek(stmt, 9)
                                      ? SOURCE_HEARD_NOTHING
                                      : sq_col_int(stmt, 9),
                         .live = sq_col_text(stmt, 10, arena)};
}

enum status sq_read_sources(struct sq *sq, struct arena *arena, struct table *table,
                            struct err *err)
{
    struct source list[SOURCE_SLOTS];
    size_t count = 0;
    bool row = true;
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "SELECT id,slot,name,kind,connection,object,config,row_count,"
                "drift,heard,live FROM sources WHERE table_id=? AND hidden=0 ORDER BY position");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table->id);
    for (;;) {
        if (sq_row(sq, stmt, &row, err) != OK)
            return FAIL;
        if (!row)
            break;
        if (count < SOURCE_SLOTS)
            read_source(stmt, arena, &list[count++]);
    }
    table->sources = arena_array(arena, count + 1, sizeof *table->sources);
    memcpy(table->sources, list, count * sizeof *list);
    table->source_count = count;
    table->source = count ? list[0].config : NULL;
    table->connection = count ? list[0].connection : NULL;
    table->object = count ? list[0].object : NULL;
    return OK;
}

enum status sq_cursor_get(struct store *store, struct arena *arena, int64_t table_id, int source,
                          const char **json, struct err *err)
{
    struct sq *sq = sq_of(store);
    bool row;
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT cursor FROM sources WHERE table_id=? AND slot=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    sq_int(stmt, 2, source);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    if (!row)
        return err_set(err, ERR_NOT_FOUND, "there is no source %d of table %lld", source,
                       (long long)table_id);
    *json = sq_col_text(stmt, 0, arena);
    sq_reset(stmt);
    return OK;
}

/* ---------------------------------------------------------------- placing */

struct known {
    int64_t id;
    int slot;
};

static enum status find_known(struct sq *sq, int64_t table_id, const char *name,
                              struct known *known, struct err *err)
{
    bool row;
    *known = (struct known){0};
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "SELECT id,slot FROM sources WHERE table_id=? AND name=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    sq_text(stmt, 2, name);
    if (sq_row(sq, stmt, &row, err) != OK || !row)
        return row ? FAIL : OK;
    *known = (struct known){sq_col_int(stmt, 0), (int)sq_col_int(stmt, 1)};
    sq_reset(stmt);
    return OK;
}

static enum status add_source(struct sq *sq, const struct table *table, struct source *s,
                              struct err *err)
{
    int64_t slot;
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "SELECT coalesce(max(slot),-1)+1 FROM sources WHERE table_id=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table->id);
    if (sq_one_int(sq, stmt, 0, &slot, err) != OK)
        return FAIL;
    if (slot >= SOURCE_SLOTS)
        return err_set(err, ERR_TOO_LARGE,
                       "table \"%s\" cannot have more than %d sources, former ones included",
                       table->name, SOURCE_SLOTS);
    stmt = sq_stmt(sq, err, "INSERT INTO sources(table_id,slot,name) VALUES(?,?,?)");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table->id);
    sq_int(stmt, 2, slot);
    sq_text(stmt, 3, s->name);
    if (sq_done(sq, stmt, err) != OK)
        return FAIL;
    s->id = sq_last_id(sq);
    s->slot = (int)slot;
    return OK;
}

static enum status write_source(struct sq *sq, const struct source *s, int position,
                                struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "UPDATE sources SET name=?1,"
                "cursor=CASE WHEN kind IS ?2 AND connection IS ?3 AND object IS ?4 THEN cursor END,"
                "kind=?2,connection=?3,object=?4,config=?5,position=?6,hidden=0 WHERE id=?7");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, s->name);
    sq_text(stmt, 2, s->kind);
    sq_text(stmt, 3, s->connection);
    sq_text(stmt, 4, s->object);
    sq_text(stmt, 5, s->config && *s->config ? s->config : "{}");
    sq_int(stmt, 6, position);
    sq_int(stmt, 7, s->id);
    return sq_done(sq, stmt, err);
}

static enum status place_source(struct sq *sq, const struct table *table, size_t at,
                                struct err *err)
{
    struct source *s = &table->sources[at];
    struct known known;
    for (size_t i = 0; i < at; i++)
        if (text_eq_nocase(table->sources[i].name, s->name))
            return err_set(err, ERR_INVALID, "table \"%s\" has two sources named \"%s\"",
                           table->name, s->name);
    if (find_known(sq, table->id, s->name, &known, err) != OK)
        return FAIL;
    s->id = known.id;
    s->slot = known.slot;
    if (!s->id && add_source(sq, table, s, err) != OK)
        return FAIL;
    return write_source(sq, s, (int)at, err);
}

/* Callers that know of one source only. */
static void only_source(struct sq *sq, struct table *table)
{
    if (table->source_count)
        return;
    table->sources = arena_array(sq->scratch, 1, sizeof *table->sources);
    table->sources[0] = (struct source){.name = "source",
                                        .kind = "salesforce_object",
                                        .connection = table->connection,
                                        .object = table->object,
                                        .config = table->source};
    table->source_count = 1;
}

enum status sq_place_sources(struct sq *sq, struct table *table, struct err *err)
{
    only_source(sq, table);
    struct sq_stmt *hide = sq_stmt(sq, err, "UPDATE sources SET hidden=1 WHERE table_id=?");
    if (!hide)
        return FAIL;
    sq_int(hide, 1, table->id);
    if (sq_done(sq, hide, err) != OK)
        return FAIL;
    for (size_t i = 0; i < table->source_count; i++)
        if (place_source(sq, table, i, err) != OK)
            return FAIL;
    return OK;
}

/* ---------------------------------------------------------------- holding */

enum status sq_source_note(struct sq *sq, int64_t table_id, int slot, int64_t more,
                           const char *cursor, int64_t heard, struct err *err)
{
    if (!more && !cursor && !heard)
        return OK;
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "UPDATE sources SET row_count=row_count+?1,cursor=coalesce(?2,cursor),"
                "heard=CASE WHEN ?5=0 THEN heard ELSE ?5 END WHERE table_id=?3 AND slot=?4");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, more);
    sq_text(stmt, 2, cursor);
    sq_int(stmt, 3, table_id);
    sq_int(stmt, 4, slot);
    sq_int(stmt, 5, heard);
    if (sq_done(sq, stmt, err) != OK)
        return FAIL;
    return sq_changes(sq) ? OK
                          : err_set(err, ERR_NOT_FOUND, "there is no source %d of table %lld", slot,
                                    (long long)table_id);
}

static enum status find_met(struct sq *sq, int64_t table_id, int source, const char *const *keys,
                            size_t count, struct bits *seen, size_t *unknown,
                            size_t *unknown_count, struct err *err)
{
    bool row;
    struct sq_stmt *stmt =
        sq_stmtf(sq, err, "SELECT rid FROM t%lld WHERE key=? AND deleted IN " SQ_HOLDS " AND (src&%lld)<>0",
                 (long long)table_id, SQ_SOURCE_BIT(source));
    if (!stmt)
        return FAIL;
    for (size_t i = 0; i < count; i++) {
        sq_text(stmt, 1, keys[i]);
        if (sq_row(sq, stmt, &row, err) != OK)
            return FAIL;
        if (row)
            bits_put(seen, sq_col_int(stmt, 0));
        else
            unknown[(*unknown_count)++] = i;
        sq_reset(stmt);
    }
    return OK;
}

static enum status sq_met(struct store *store, int64_t table_id, int source,
                          const char *const *keys, size_t count, struct bits *seen,
                          size_t *unknown, size_t *unknown_count, struct err *err)
{
    struct sq *sq = sq_of(store);
    *unknown_count = 0;
    if (sq_begin_read(sq, err) != OK)
        return FAIL;
    return sq_end(
        sq, find_met(sq, table_id, source, keys, count, seen, unknown, unknown_count, err), err);
}

struct missing {
    int64_t id, src;
    int deleted;
};
typedef VEC(struct missing) missing_list;

/* Rows of the source that were not seen, among the next `limit` it holds. */
static enum status find_missing(struct sq *sq, const struct gone_query *query, missing_list *list,
                                int64_t *next, struct err *err)
{
    size_t looked = 0;
    bool row = true;
    struct sq_stmt *stmt = sq_stmtf(sq, err,
                                  "SELECT rid,src,deleted FROM t%lld WHERE rid>? AND deleted IN " SQ_HOLDS
                                  " AND (src&%lld)<>0 ORDER BY rid LIMIT ?",
                                  (long long)query->table_id, SQ_SOURCE_BIT(query->source));
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, query->after);
    sq_int(stmt, 2, (int64_t)query->limit);
    for (;; looked++) {
        if (sq_row(sq, stmt, &row, err) != OK)
            return FAIL;
        if (!row)
            break;
        *next = sq_col_int(stmt, 0);
        if (!bits_has(query->seen, *next)) {
            struct missing one = {*next, sq_col_int(stmt, 1), (int)sq_col_int(stmt, 2)};
            vec_push(list, one);
        }
    }
    if (looked < query->limit)
        *next = 0;
    return OK;
}

static enum status leave_all(struct sq *sq, const struct gone_query *query,
                             const missing_list *list, int64_t *gone, struct err *err)
{
    struct row_leaver leaver;
    bool left;
    enum status rc = row_leaver_open(&leaver, sq, query->table_id, query->source, query->how, err);
    for (size_t i = 0; rc == OK && i < list->len; i++) {
        rc = row_leave(&leaver, list->at[i].id, list->at[i].deleted, list->at[i].src, NULL, &left, err);
        sq_note_row(sq, query->table_id, list->at[i].id);
    }
    row_leaver_close(&leaver);
    if (rc == OK)
        rc = sq_count_rows(sq, query->table_id, leaver.live, err);
    if (rc == OK)
        rc = sq_source_note(sq, query->table_id, query->source, leaver.held, NULL, 0, err);
    if (rc == OK)
        *gone += leaver.left;
    return rc;
}

static enum status sq_gone(struct store *store, const struct gone_query *query, int64_t *next,
                           int64_t *gone, struct err *err)
{
    struct sq *sq = sq_of(store);
    missing_list list = {0};
    *next = 0;
    if (query->how == DELETED_KEEP)
        return OK;
    if (sq_begin(sq, err) != OK)
        return FAIL;
    enum status rc = find_missing(sq, query, &list, next, err);
    if (rc == OK && list.len)
        rc = leave_all(sq, query, &list, gone, err);
    rc = sq_end(sq, rc, err);
    vec_free(&list);
    return rc;
}

static enum status sq_drift_put(struct store *store, int64_t table_id, int source, const char *json,
                                struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    struct sq_stmt *stmt = sq_stmt(sq, err, "UPDATE sources SET drift=? WHERE table_id=? AND slot=?");
    if (!stmt)
        return sq_end(sq, FAIL, err);
    sq_text(stmt, 1, json);
    sq_int(stmt, 2, table_id);
    sq_int(stmt, 3, source);
    sq_note(sq, NOUN_TABLE, table_id, 0);
    return sq_end(sq, sq_done(sq, stmt, err), err);
}

static enum status sq_live_put(struct store *store, int64_t table_id, int source, const char *json,
                               int64_t heard, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "UPDATE sources SET live=?1,heard=CASE WHEN ?2=0 THEN heard WHEN ?2=?5 THEN NULL"
                " ELSE ?2 END WHERE table_id=?3 AND slot=?4");
    if (!stmt)
        return sq_end(sq, FAIL, err);
    sq_text(stmt, 1, json);
    sq_int(stmt, 2, heard);
    sq_int(stmt, 3, table_id);
    sq_int(stmt, 4, source);
    sq_int(stmt, 5, SOURCE_HEARD_NOTHING);
    return sq_end(sq, sq_done(sq, stmt, err), err);
}

/* ---------------------------------------------------------------- rejects */

static enum status forget_rejects(struct sq *sq, int64_t table_id, int source, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err, "DELETE FROM rejects WHERE table_id=? AND slot=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    sq_int(stmt, 2, source);
    return sq_done(sq, stmt, err);
}

static enum status count_rejects(struct sq *sq, int64_t table_id, int source, int64_t *count,
                                 struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "SELECT count(*) FROM rejects WHERE table_id=? AND slot=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    sq_int(stmt, 2, source);
    return sq_one_int(sq, stmt, 0, count, err);
}

static enum status add_reject(struct sq *sq, int64_t table_id, int source, int64_t number,
                              const struct reject *reject, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(
        sq, err, "INSERT INTO rejects(table_id,slot,number,at,code,message) VALUES(?,?,?,?,?,?)");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    sq_int(stmt, 2, source);
    sq_int(stmt, 3, number);
    sq_int(stmt, 4, reject->at);
    sq_text(stmt, 5, reject->code);
    sq_text(stmt, 6, reject->message);
    return sq_done(sq, stmt, err);
}

static enum status add_rejects(struct sq *sq, int64_t table_id, int source, bool fresh,
                               const struct reject *rejects, size_t count, int64_t *kept,
                               struct err *err)
{
    if (fresh && forget_rejects(sq, table_id, source, err) != OK)
        return FAIL;
    if (count_rejects(sq, table_id, source, kept, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count && *kept < REJECTS_KEPT; i++)
        if (add_reject(sq, table_id, source, ++*kept, &rejects[i], err) != OK)
            return FAIL;
    return OK;
}

static enum status sq_rejects_add(struct store *store, int64_t table_id, int source, bool fresh,
                                  const struct reject *rejects, size_t count, int64_t *kept,
                                  struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, add_rejects(sq, table_id, source, fresh, rejects, count, kept, err), err);
}

static enum status sq_rejects_list(struct store *store, struct arena *arena, int64_t table_id,
                                   int source, struct reject **out, size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    VEC(struct reject) list = {0};
    enum status rc = FAIL;
    bool row = true;
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "SELECT at,code,message FROM rejects WHERE table_id=? AND slot=?"
                                 " ORDER BY number");
    if (stmt) {
        sq_int(stmt, 1, table_id);
        sq_int(stmt, 2, source);
    }
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row) {
        struct reject one = {sq_col_int(stmt, 0), sq_col_text(stmt, 1, arena),
                             sq_col_text(stmt, 2, arena)};
        vec_push(&list, one);
    }
    *count = list.len;
    *out = arena_array(arena, list.len + 1, sizeof **out);
    if (list.len)
        memcpy(*out, list.at, list.len * sizeof **out);
    vec_free(&list);
    return rc;
}

const struct store_sources sq_sources = {
    .met = sq_met,
    .gone = sq_gone,
    .drift_put = sq_drift_put,
    .live_put = sq_live_put,
    .rejects_add = sq_rejects_add,
    .rejects_list = sq_rejects_list,
};
