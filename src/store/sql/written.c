/* written.c - what we last wrote to a record's field, and telling its echo.
 *
 * Each field of a payload is remembered when its operation is DONE. When a later
 * import brings the same value to the same field, that change is ours coming
 * back: the cell takes it, nothing becomes due.
 *
 * `seen`: a value comes back once. After that, or after somebody else's value
 * was seen there, the same value again is a person's doing, and counts.
 *
 * "The same" is the org's reading of what we sent: numbers by value, instants by
 * instant, blank as null, texts without their outer white space. */
#include "store/sql/sql_priv.h"

#include "base/json.h"
#include "base/when.h"

#include <string.h>

/* --------------------------------------------------------------- compare */

/* "2026-11-23T10:11:12.000" is the part that REST and Bulk print alike. */
#define STAMP_COMMON 23

static bool stamp_is_usual(const char *text)
{
    size_t len = strlen(text);
    if (len < STAMP_COMMON + 1 || text[10] != 'T' || text[19] != '.')
        return false;
    return strcmp(text + STAMP_COMMON, "Z") == 0 || strcmp(text + STAMP_COMMON, "+0000") == 0;
}

int stamp_compare(const char *a, const char *b)
{
    int64_t x, y;
    if (!a || !b)
        return (a != NULL) - (b != NULL);
    if (stamp_is_usual(a) && stamp_is_usual(b))
        return memcmp(a, b, STAMP_COMMON);
    if (when_parse(a, &x) && when_parse(b, &y))
        return (x > y) - (x < y);
    return strcmp(a, b);
}

/* -12.50 -> sign, "12", "5"; false for what is not plain decimal text. */
struct decimal {
    bool negative;
    struct str whole, fraction;
};

static bool decimal_of(struct value v, struct decimal *d)
{
    const char *p = v.text, *end = v.text + v.len;
    d->negative = p < end && *p == '-';
    p += p < end && (*p == '-' || *p == '+');
    const char *whole = p;
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    const char *whole_end = p, *fraction = end;
    if (p < end && *p == '.')
        fraction = ++p;
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    if (p != end || whole == end)
        return false;
    while (whole < whole_end && *whole == '0')
        whole++;
    while (end > fraction && end[-1] == '0')
        end--;
    d->whole = (struct str){whole, (size_t)(whole_end - whole)};
    d->fraction = (struct str){fraction, (size_t)(end - fraction)};
    if (d->whole.n + d->fraction.n == 0)
        d->negative = false;
    return true;
}

static bool same_number(struct value a, struct value b)
{
    struct decimal x, y;
    return decimal_of(a, &x) && decimal_of(b, &y) && x.negative == y.negative &&
           str_eq(x.whole, y.whole) && str_eq(x.fraction, y.fraction);
}

static bool same_instant(struct value a, struct value b)
{
    char x[40], y[40];
    int64_t at, bt;
    if (a.len >= sizeof x || b.len >= sizeof y || a.len < 19 || b.len < 19)
        return false;
    memcpy(x, a.text, a.len);
    memcpy(y, b.text, b.len);
    x[a.len] = y[b.len] = '\0';
    return when_parse(x, &at) && when_parse(y, &bt) && at == bt;
}

static bool same_to_org(struct value sent, bool number, struct value read)
{
    if (value_equal(sent, read))
        return true;
    if (!sent.len || !read.len)
        return !sent.len && !read.len;
    if (number)
        return same_number(sent, read);
    return str_eq(str_trim((struct str){sent.text, sent.len}),
                  str_trim((struct str){read.text, read.len})) ||
           same_instant(sent, read);
}

/* -------------------------------------------------------------- remember */

static struct value value_of_json(struct arena *arena, const struct json *json)
{
    if (json->type == JSON_NULL)
        return VALUE_NULL;
    if (json->type == JSON_TRUE)
        return (struct value){"true", 4};
    if (json->type == JSON_FALSE)
        return (struct value){"false", 5};
    if (json->type == JSON_STRING || json->type == JSON_NUMBER)
        return (struct value){json->text, json->len};
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_value(&w, json);
    struct value value = {arena_strdup(arena, buf_text(&text)), (uint32_t)text.len};
    buf_free(&text);
    return value;
}

/* How many fields one statement takes: most writes need one or two statements. */
#define FIELDS_AT_ONCE 4

#define REMEMBER(rows)                                                                             \
    "INSERT INTO written(org_id,record_id,op_id,stamp,field,value,number) VALUES" rows             \
    " ON CONFLICT(org_id,record_id,field) DO UPDATE SET value=excluded.value,"                     \
    "number=excluded.number,op_id=excluded.op_id,stamp=excluded.stamp,seen=0"
#define ROWS_1 "(?1,?2,?3,?4,?5,?6,?7)"
#define ROWS_2 ROWS_1 ",(?1,?2,?3,?4,?8,?9,?10)"
#define ROWS_3 ROWS_2 ",(?1,?2,?3,?4,?11,?12,?13)"
#define ROWS_4 ROWS_3 ",(?1,?2,?3,?4,?14,?15,?16)"

static const char *const remember_sql[FIELDS_AT_ONCE + 1] = {
    NULL, REMEMBER(ROWS_1), REMEMBER(ROWS_2), REMEMBER(ROWS_3), REMEMBER(ROWS_4),
};

/* What is remembered of one record. */
struct remembered {
    const struct op *op;
    const char *record_id, *stamp;
    const struct json *fields[FIELDS_AT_ONCE];
    size_t count;
};

static enum status remember_fields(struct sq *sq, struct remembered *r, struct err *err)
{
    if (!r->count)
        return OK;
    struct sq_stmt *stmt = sq_stmt(sq, err, remember_sql[r->count]);
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, r->op->org_id);
    sq_text(stmt, 2, r->record_id);
    sq_int(stmt, 3, r->op->id);
    sq_text(stmt, 4, r->stamp);
    for (size_t i = 0; i < r->count; i++) {
        int at = 5 + 3 * (int)i;
        sq_text(stmt, at, r->fields[i]->key);
        sq_value(stmt, at + 1, value_of_json(sq->payload, r->fields[i]));
        sq_int(stmt, at + 2, r->fields[i]->type == JSON_NUMBER);
    }
    r->count = 0;
    return sq_add(sq, stmt, NULL, err);
}

/* One statement may not touch a row twice. */
static bool is_among(const struct remembered *r, const struct json *field)
{
    for (size_t i = 0; i < r->count; i++)
        if (text_eq_nocase(r->fields[i]->key, field->key))
            return true;
    return false;
}

/* A payload that names a field twice, in letters of another case. */
static bool named_before(const struct json *payload, const struct json *field)
{
    json_each(other, payload) {
        if (other == field)
            return false;
        if (text_eq_nocase(other->key, field->key))
            return true;
    }
    return false;
}

enum status written_remember(struct sq *sq, const struct op *op, const char *record_id,
                             const char *stamp, struct err *err)
{
    arena_reset(sq->payload);
    const struct json *payload = json_parse(sq->payload, op->payload, strlen(op->payload), NULL);
    struct remembered all = {.op = op, .record_id = record_id, .stamp = stamp};
    size_t most = sq->engine->far ? 1 : FIELDS_AT_ONCE; /* there, rows of many records go together */
    json_each(field, payload)
    {
        if (!field->key)
            continue;
        if ((all.count == most || is_among(&all, field)) && remember_fields(sq, &all, err) != OK)
            return FAIL;
        if (sq->engine->far && named_before(payload, field) && sq_flush(sq, err) != OK)
            return FAIL;
        all.fields[all.count++] = field;
    }
    return remember_fields(sq, &all, err);
}

/* ----------------------------------------------------------------- echoes */

static enum status find_org(struct echo *echo, int source, struct err *err)
{
    bool row;
    struct sq_stmt *stmt =
        sq_stmt(echo->sq, err,
                "SELECT c.org_id FROM sources s JOIN connections c ON c.name=s.connection COLLATE NOCASE"
                " WHERE s.table_id=?1 AND s.slot=?2 AND EXISTS(SELECT 1 FROM written w WHERE "
                "w.org_id=c.org_id)");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, echo->table_id);
    sq_int(stmt, 2, source);
    if (sq_row(echo->sq, stmt, &row, err) != OK)
        return FAIL;
    if (row)
        echo->org_id = sq_col_text(stmt, 0, echo->sq->scratch);
    sq_reset(stmt);
    return OK;
}

enum status echo_open(struct echo *echo, struct sq *sq, int64_t table_id, int source,
                      struct err *err)
{
    *echo = (struct echo){.sq = sq, .table_id = table_id};
    if (find_org(echo, source, err) != OK)
        return FAIL;
    if (!echo->org_id)
        return OK;
    echo->get = sq_stmt(sq, err,
                        "SELECT value,number,stamp FROM written"
                        " WHERE org_id=?1 AND record_id=?2 AND field=?3 AND seen=0");
    echo->any = sq_stmt(sq, err,
                        "SELECT value,number,stamp,field FROM written"
                        " WHERE org_id=?1 AND record_id=?2 AND seen=0");
    echo->spend =
        sq_stmt(sq, err, "UPDATE written SET seen=1 WHERE org_id=?1 AND record_id=?2 AND field=?3");
    echo->made = sq_stmtf(sq, err,
                          "SELECT 1 FROM written w JOIN ops o ON o.id=w.op_id WHERE w.org_id=?1"
                          " AND w.record_id=?2 AND o.table_id=?3 AND o.kind IN (%d,%d) LIMIT 1",
                          OP_CREATE, OP_UPSERT);
    return echo->get && echo->any && echo->spend && echo->made ? OK : FAIL;
}

static enum status spend(struct echo *echo, const char *record_id, const char *field,
                         struct err *err)
{
    sq_text(echo->spend, 1, echo->org_id);
    sq_text(echo->spend, 2, record_id);
    sq_text(echo->spend, 3, field);
    return sq_done(echo->sq, echo->spend, err);
}

/* The present row of `get` or `any`: is it this value, and may it be told from the stamp? */
static bool same_as_written(struct sq_stmt *stmt, struct value value, const char *stamp, bool *older)
{
    const char *text = sq_col_peek(stmt, 0);
    struct value sent = {text, sq_col_len(stmt, 0)};
    /* Read before our write was: says nothing about it. */
    const char *wrote = sq_col_peek(stmt, 2);
    *older = wrote && stamp && stamp_compare(stamp, wrote) < 0;
    return same_to_org(sent, (int)sq_col_int(stmt, 1) != 0, value);
}

/* Which field it was is not told: any that we wrote this value to. */
static enum status any_echo(struct echo *echo, const char *record_id, struct value value, bool *is,
                            struct err *err)
{
    bool row, older;
    char field[256] = "";
    sq_text(echo->any, 1, echo->org_id);
    sq_text(echo->any, 2, record_id);
    for (;;) {
        if (sq_row(echo->sq, echo->any, &row, err) != OK)
            return FAIL;
        if (!row)
            return OK;
        if (same_as_written(echo->any, value, NULL, &older))
            break;
    }
    *is = true;
    snprintf(field, sizeof field, "%s", sq_col_peek(echo->any, 3));
    sq_reset(echo->any);
    return spend(echo, record_id, field, err);
}

enum status echo_is(struct echo *echo, const char *record_id, const char *field, struct value value,
                    const char *stamp, bool *is, struct err *err)
{
    bool row, older;
    *is = false;
    if (!echo->org_id || !field)
        return OK;
    if (field[0] == '*')
        return any_echo(echo, record_id, value, is, err);
    sq_text(echo->get, 1, echo->org_id);
    sq_text(echo->get, 2, record_id);
    sq_text(echo->get, 3, field);
    if (sq_row(echo->sq, echo->get, &row, err) != OK)
        return FAIL;
    if (!row)
        return OK;
    *is = same_as_written(echo->get, value, stamp, &older);
    sq_reset(echo->get);
    return older ? OK : spend(echo, record_id, field, err);
}

enum status echo_made(struct echo *echo, const char *record_id, bool *made, struct err *err)
{
    *made = false;
    if (!echo->org_id)
        return OK;
    sq_text(echo->made, 1, echo->org_id);
    sq_text(echo->made, 2, record_id);
    sq_int(echo->made, 3, echo->table_id);
    if (sq_row(echo->sq, echo->made, made, err) != OK)
        return FAIL;
    sq_reset(echo->made);
    return OK;
}

enum status sq_written_get(struct store *store, struct arena *arena, const char *org_id,
                           const char *record_id, const char *field, struct value *out, bool *found,
                           struct err *err)
{
    struct sq *sq = sq_of(store);
    *out = VALUE_NULL;
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "SELECT value FROM written WHERE org_id=? AND record_id=? AND field=?");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, org_id);
    sq_text(stmt, 2, record_id);
    sq_text(stmt, 3, field);
    if (sq_row(sq, stmt, found, err) != OK)
        return FAIL;
    if (*found)
        *out = sq_col_value(stmt, 0, arena);
    sq_reset(stmt);
    return OK;
}
