/* together.c - many rows of one statement in one command.
 *
 * Rows that sq_add is given are kept, and go when a thousand are there or anything else is to run:
 * each parameter as an array, in libpq's binary form, the statement over unnest() of them
 * (dialect.h). A row costs the server a fifth of what it costs as a statement of its own. What
 * all rows must share because no column can stand in its place (`common`) ends a batch when
 * it changes.
 *
 * In a transaction that had such a command the planner is to go by indexes: it reckons that to go
 * through a whole table of a hundred thousand rows is quicker than to find a thousand of them, and
 * who waits for the transaction to end waits for that. So a plan may be kept, too: one that was
 * made while the table was small is by its indexes all the same. */
#include "store/postgres/postgres_priv.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_MOST  1000
#define BYTES_MOST (1 << 20)
#define HEADER     20 /* bytes of an array before its items */

enum { OID_ITEM_BYTEA = 17, OID_ITEM_INT8 = 20, OID_ITEM_TEXT = 25 };
enum { OID_BYTEAS = 1001, OID_TEXTS = 1009, OID_INT8S = 1016 };

/* Where the batch's rows are told of, in their order. */
struct pg_told {
    VEC(int64_t *) changed;
    VEC(int64_t) ids; /* of the rows, ascending; empty: rows are told by their position */
};

/* One parameter: a value of each row, or the one that they share. */
struct batch_param {
    struct buf items;
    enum value_kind kind;
    bool null; /* shared, and null */
};

struct pg_batch {
    char *sql; /* NULL: this statement cannot */
    char name[24];
    Oid *prepared; /* for these types, `count` of them; NULL: not yet */
    char *into; /* INSERT: the table */
    bool tells;
    uint64_t common;
    size_t rows, bytes;
    struct batch_param *param;
    int count;
    struct pg_told *told;
};

/* ----------------------------------------------------------------- telling */

static void told_free(struct pg_told *told)
{
    if (!told)
        return;
    vec_free(&told->changed);
    vec_free(&told->ids);
    free(told);
}

static int64_t *of_id(const struct pg_told *told, int64_t id)
{
    size_t low = 0, high = told->ids.len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (told->ids.at[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < told->ids.len && told->ids.at[low] == id ? told->changed.at[low] : NULL;
}

void pg_told_read(struct pg_told *told, const PGresult *result)
{
    int count = told && result ? PQntuples(result) : 0;
    for (int i = 0; i < count; i++) {
        int64_t number = strtoll(PQgetvalue(result, i, 0), NULL, 10);
        int64_t *changed = NULL;
        if (told->ids.len)
            changed = of_id(told, number);
        else if (number > 0 && (size_t)number <= told->changed.len)
            changed = told->changed.at[number - 1];
        if (changed)
            *changed = 1;
    }
    told_free(told);
}

/* ------------------------------------------------------------------- a row */

static void put_number(struct buf *out, uint64_t number, int bytes)
{
    char big_endian[8];
    for (int i = 0; i < bytes; i++)
        big_endian[i] = (char)(number >> (8 * (bytes - 1 - i)) & 0xFF);
    buf_append(out, big_endian, (size_t)bytes);
}

static void put_value(struct pg_statement *s, struct buf *out, const struct pg_param *param)
{
    const char *text = param->text;
    int len = param->len;
    if (param->kind == VALUE_INT) {
        put_number(out, (uint64_t)param->value, 8);
        return;
    }
    if (param->kind == VALUE_TEXT && zero_needs(text, (size_t)len))
        text = zero_hide(s->pg->sending, text, (size_t)len, &len);
    buf_append(out, text, (size_t)len);
}

static void put_item(struct pg_statement *s, struct buf *out, const struct pg_param *param)
{
    size_t at = out->len;
    if (!param->text) {
        put_number(out, UINT32_MAX, 4);
        return;
    }
    put_number(out, 0, 4);
    put_value(s, out, param);
    uint32_t len = (uint32_t)(out->len - at - 4);
    for (int i = 0; i < 4; i++)
        out->data[at + (size_t)i] = (char)(len >> (8 * (3 - i)) & 0xFF);
}

static bool is_common(const struct pg_batch *batch, int i)
{
    return batch->common >> i & 1;
}

/* Nothing is known of a null: it goes with any kind. */
static bool same_kind(const struct batch_param *of, const struct pg_param *param)
{
    return !param->text || of->kind == param->kind;
}

static bool fits(struct pg_statement *s)
{
    struct pg_batch *b = s->batch;
    struct buf text = BUF_INIT;
    bool good = b->rows < ROWS_MOST && b->bytes < BYTES_MOST;
    for (int i = 0; good && i < b->count; i++) {
        const struct pg_param *param = &s->param[i];
        good = same_kind(&b->param[i], param);
        if (!good || !is_common(b, i))
            continue;
        buf_clear(&text);
        if (param->text)
            put_value(s, &text, param);
        good = b->param[i].null == !param->text && text.len == b->param[i].items.len &&
               (!text.len || memcmp(text.data, b->param[i].items.data, text.len) == 0);
    }
    buf_free(&text);
    return good;
}

static void begin_batch(struct pg_statement *s)
{
    struct pg_batch *b = s->batch;
    b->bytes = 0;
    for (int i = 0; i < b->count; i++) {
        struct batch_param *p = &b->param[i];
        p->kind = s->param[i].kind;
        p->null = !s->param[i].text;
        buf_clear(&p->items);
        if (is_common(b, i) && !p->null)
            put_value(s, &p->items, &s->param[i]);
        else if (!is_common(b, i))
            for (int n = 0; n < HEADER; n++)
                buf_char(&p->items, 0);
    }
    b->told = mem_alloc(sizeof *b->told);
    vec_push(&s->pg->added, s);
}

static void put_row(struct pg_statement *s, int64_t *changed)
{
    struct pg_batch *b = s->batch;
    for (int i = 0; i < b->count; i++) {
        size_t before = b->param[i].items.len;
        if (is_common(b, i))
            continue;
        put_item(s, &b->param[i].items, &s->param[i]);
        b->bytes += b->param[i].items.len - before;
    }
    b->rows++;
    if (!b->tells)
        return;
    vec_push(&b->told->changed, changed);
    if (s->id_of)
        vec_push(&b->told->ids, s->pg->last_id);
}

/* ------------------------------------------------------------------ growth */

/* A table that nobody analysed is thought to hold two hundred workspaces, ours one of them: plans
 * then go through all of ours, row by row. Autovacuum comes by and by; a first run does not wait. */
#define ROWS_GROWN 1000

struct pg_growth {
    size_t rows; /* that we added */
    bool known;  /* it was analysed with rows in it */
};

static void count_grown(struct postgres *pg, const char *table, size_t rows)
{
    if (!pg->grown)
        pg->grown = map_new();
    struct pg_growth *growth = map_get(pg->grown, table);
    if (!growth) {
        growth = mem_alloc(sizeof *growth);
        map_put(pg->grown, table, growth);
    }
    growth->rows += rows;
}

static enum status analyse(struct postgres *pg, const char *table, struct err *err)
{
    char sql[160];
    const char *few;
    snprintf(sql, sizeof sql, "SELECT 1 FROM pg_class WHERE oid=to_regclass('%s') AND reltuples<%d",
             table, ROWS_GROWN);
    if (pg_ask(pg, sql, &few, err) != OK)
        return FAIL;
    snprintf(sql, sizeof sql, "ANALYZE %s", table);
    return few ? pg_send(pg, sql, err) : OK;
}

enum status pg_note_growth(struct postgres *pg, struct err *err)
{
    size_t at = 0;
    const char *table;
    void *found;
    if (pg_send_added(pg, err) != OK)
        return FAIL;
    while (pg->grown && map_next(pg->grown, &at, &table, &found)) {
        struct pg_growth *growth = found;
        if (growth->known || growth->rows < ROWS_GROWN)
            continue;
        growth->known = true;
        if (analyse(pg, table, err) != OK)
            return FAIL;
    }
    return OK;
}

void pg_free_growth(struct postgres *pg)
{
    size_t at = 0;
    const char *table;
    void *found;
    while (pg->grown && map_next(pg->grown, &at, &table, &found))
        free(found);
    map_free(pg->grown);
    pg->grown = NULL;
}

/* ----------------------------------------------------------------- sending */

struct command {
    const char **values;
    int *lens, *formats;
    Oid *types;
};

static void patch(struct buf *out, size_t at, uint32_t number)
{
    for (size_t i = 0; i < 4; i++)
        out->data[at + i] = (char)(number >> (8 * (3 - i)) & 0xFF);
}

static void put_array(const struct pg_batch *b, int i, struct command *c)
{
    static const Oid arrays[] = {
        [VALUE_TEXT] = OID_TEXTS, [VALUE_INT] = OID_INT8S, [VALUE_BYTES] = OID_BYTEAS};
    static const Oid items[] = {
        [VALUE_TEXT] = OID_ITEM_TEXT, [VALUE_INT] = OID_ITEM_INT8, [VALUE_BYTES] = OID_ITEM_BYTEA};
    struct batch_param *p = &b->param[i];
    bool common = is_common(b, i);
    if (!common) {
        patch(&p->items, 0, 1); /* one dimension */
        patch(&p->items, 4, 1); /* there may be nulls */
        patch(&p->items, 8, items[p->kind]);
        patch(&p->items, 12, (uint32_t)b->rows);
        patch(&p->items, 16, 1); /* counted from one */
    }
    c->types[i] = common ? items[p->kind] : arrays[p->kind];
    c->values[i] = common && p->null ? NULL : buf_text(&p->items);
    c->lens[i] = (int)p->items.len;
    c->formats[i] = 1;
}

/* For the rest of the transaction. */
static enum status go_by_indexes(struct postgres *pg, struct err *err)
{
    if (pg->by_indexes)
        return OK;
    pg->by_indexes = true;
    return pg_sent(pg,
                   PQsendQueryParams(pg->conn,
                                     "SELECT set_config('enable_seqscan','off',true),"
                                     "set_config('enable_hashjoin','off',true),"
                                     "set_config('enable_mergejoin','off',true)",
                                     0, NULL, NULL, NULL, NULL, 0),
                   err);
}

static enum status prepare(struct postgres *pg, struct pg_batch *b, const Oid *types,
                           struct err *err)
{
    size_t size = (size_t)b->count * sizeof *types;
    if (b->prepared && memcmp(b->prepared, types, size) == 0)
        return OK;
    free(b->prepared);
    b->prepared = mem_array((size_t)b->count, sizeof *types);
    memcpy(b->prepared, types, size);
    snprintf(b->name, sizeof b->name, "b%lld", (long long)++pg->numbered);
    return pg_sent(pg, PQsendPrepare(pg->conn, b->name, b->sql, b->count, types), err);
}

static enum status send_batch(struct postgres *pg, struct pg_statement *s, struct err *err)
{
    struct pg_batch *b = s->batch;
    size_t room = (size_t)b->count + 1;
    struct pg_told *told = b->told;
    b->told = NULL;
    enum status rc = pg_make_room(pg, 3, err); /* with these two */
    if (rc == OK)
        rc = go_by_indexes(pg, err);
    if (rc == OK) {
        struct command c = {.values = arena_array(pg->sending, room, sizeof *c.values),
                            .lens = arena_array(pg->sending, room, sizeof *c.lens),
                            .formats = arena_array(pg->sending, room, sizeof *c.formats),
                            .types = arena_array(pg->sending, room, sizeof *c.types)};
        for (int i = 0; i < b->count; i++)
            put_array(b, i, &c);
        rc = prepare(pg, b, c.types, err);
        if (rc == OK)
            rc = pg_sent(pg,
                         PQsendQueryPrepared(pg->conn, b->name, b->count, c.values, c.lens, c.formats,
                                             0),
                         err);
    }
    if (rc == OK && b->into)
        count_grown(pg, b->into, b->rows);
    b->rows = 0;
    pg->wrote = true;
    if (rc == OK)
        pg->told[pg->pending - 1] = told;
    else
        told_free(told);
    return rc;
}

enum status pg_send_added(struct postgres *pg, struct err *err)
{
    enum status rc = OK;
    for (size_t i = 0; rc == OK && i < pg->added.len; i++)
        rc = send_batch(pg, pg->added.at[i], err);
    if (rc != OK)
        pg_drop_added(pg);
    vec_clear(&pg->added);
    return rc;
}

void pg_drop_added(struct postgres *pg)
{
    for (size_t i = 0; i < pg->added.len; i++) {
        struct pg_batch *b = pg->added.at[i]->batch;
        told_free(b->told);
        b->told = NULL;
        b->rows = 0;
    }
    vec_clear(&pg->added);
}

/* ------------------------------------------------------------------ adding */

static struct pg_batch *batch_of(struct pg_statement *s, const char *sql)
{
    struct arena *arena = arena_new();
    struct dialect dialect = pg_dialect_of(s->pg, arena);
    struct dialect_out out;
    struct pg_batch *b = mem_alloc(sizeof *b);
    dialect.together = true;
    dialect_next(&dialect, &sql, &out);
    if (out.together) {
        b->sql = mem_strdup(buf_text(&out.sql));
        b->tells = out.tells;
        b->into = out.into ? mem_strdup(out.into) : NULL;
        b->common = out.common;
        b->count = s->params + (s->id_of != NULL);
        b->param = mem_array((size_t)b->count, sizeof *b->param);
    }
    buf_free(&out.sql);
    arena_free(arena);
    return b;
}

void pg_batch_free(struct pg_batch *batch)
{
    if (!batch)
        return;
    for (int i = 0; i < batch->count; i++)
        buf_free(&batch->param[i].items);
    told_free(batch->told);
    free(batch->param);
    free(batch->prepared);
    free(batch->sql);
    free(batch->into);
    free(batch);
}

static enum status one_by_one(struct sq *sq, struct sq_stmt *stmt, int64_t *changed, struct err *err)
{
    return changed ? postgres_engine.done_later(sq, stmt, changed, err)
                   : postgres_engine.done(sq, stmt, err);
}

enum status pg_add(struct sq *sq, struct sq_stmt *stmt, int64_t *changed, struct err *err)
{
    struct postgres *pg = pg_of(sq);
    struct pg_statement *s = (struct pg_statement *)stmt;
    if (!s->batch)
        s->batch = batch_of(s, s->ours);
    struct pg_batch *b = s->batch;
    if (!b->sql || (changed && !b->tells) || !pg->in_transaction)
        return one_by_one(sq, stmt, changed, err);
    if (s->id_of && pg_give_id(s, err) != OK)
        return FAIL;
    arena_reset(pg->sending);
    if (b->rows && !fits(s) && pg_send_added(pg, err) != OK)
        return FAIL;
    if (!b->rows)
        begin_batch(s);
    put_row(s, changed);
    if (changed)
        *changed = 0;
    return OK;
}
