/* run.c - a plan being read: rows of SQLite to records of JSON.
 *
 * Call order: soql_open, any of soql_total, soql_write_json, soql_skip,
 * soql_rewind, then soql_close. A cursor owns a reader connection and holds one
 * read transaction on it from open to close, so every page and every child
 * query sees the same snapshot.
 *
 * At open the plan's tree becomes a tree of shapes whose key texts are ready to
 * copy (`,"Name":`); writing a row allocates nothing. Each child query is one
 * prepared statement, bound anew for every parent. */
#include "localorg/soql/soql.h"

#include "base/mem.h"
#include "localorg/soql/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct statement {
    sqlite3_stmt *stmt;
    const struct soql_plan *plan;
    struct shape *shapes;
    char *open; /* {"attributes":{"type":"Account","url":"/services/data/v66.0/sobjects/Account/ */
    size_t open_len;
};

struct shape {
    const struct soql_node *node;
    char *key; /* ,"Name": */
    size_t key_len;
    struct value_style style;
    char *open; /* SOQL_PARENT: as above */
    size_t open_len;
    bool real_type; /* a SOQL_PARENT without object prints the id's own type, not Name */
    struct shape *first, *next;
    struct statement child; /* SOQL_CHILDREN */
};

struct soql_cursor {
    struct org *org;
    sqlite3 *db;
    struct statement top;
    char *base;
    int64_t total; /* -1: not counted yet */
    bool done;
    char parent_id[19]; /* of soql_open_child; "" = none */
    size_t child_most;  /* 0: child lists are whole */
    size_t child_rows;  /* on this page so far */
    soql_more_fn *more;
    void *more_ctx;
    bool snapshot; /* the transaction is ours: not when a writer reads its own writes */
};

static enum status sql_fail(sqlite3 *db, struct err *err, const char *doing)
{
    return err_set(err, "UNKNOWN_EXCEPTION", "%s: %s", doing, sqlite3_errmsg(db));
}

/* --- shapes --- */

static void shapes_free(struct shape *shape);

static void statement_free(struct statement *statement)
{
    sqlite3_finalize(statement->stmt);
    shapes_free(statement->shapes);
    free(statement->open);
}

static void shapes_free(struct shape *shape)
{
    while (shape) {
        struct shape *next = shape->next;
        shapes_free(shape->first);
        statement_free(&shape->child);
        free(shape->key);
        free(shape->open);
        free(shape);
        shape = next;
    }
}

static struct shape *shapes_new(const struct soql_node *nodes, bool attributes_before)
{
    struct shape *first = NULL, **tail = &first;
    for (const struct soql_node *node = nodes; node; node = node->next) {
        struct shape *shape = mem_alloc(sizeof *shape);
        bool comma = attributes_before || node != nodes;
        shape->node = node;
        shape->key = mem_printf("%s\"%s\":", comma ? "," : "", node->name);
        shape->key_len = strlen(shape->key);
        shape->style = (struct value_style){.type = node->type,
                                            .formatted = node->formatted,
                                            .scale = node->field ? node->field->scale : 2};
        shape->first = shapes_new(node->first, node->kind == SOQL_PARENT);
        for (struct shape *branch = shape->first; branch && node->kind == SOQL_TYPEOF;
             branch = branch->next)
            branch->real_type = true;
        *tail = shape;
        tail = &shape->next;
    }
    return first;
}

static enum status statement_prepare(sqlite3 *db, struct statement *statement,
                                     const struct soql_plan *plan, bool child, struct err *err);

static enum status children_prepare(sqlite3 *db, struct shape *shape, struct err *err)
{
    for (; shape; shape = shape->next)
        if (shape->node->child &&
            statement_prepare(db, &shape->child, shape->node->child, true, err) != OK)
            return FAIL;
    return OK;
}

static enum status statement_prepare(sqlite3 *db, struct statement *statement,
                                     const struct soql_plan *plan, bool child, struct err *err)
{
    statement->plan = plan;
    if (sqlite3_prepare_v3(db, plan->sql, -1, SQLITE_PREPARE_PERSISTENT, &statement->stmt, NULL) !=
        SQLITE_OK)
        return sql_fail(db, err, "preparing the query");
    soql_bind_all(statement->stmt, plan->binds, plan->bind_count, child ? 2 : 1);
    statement->shapes = shapes_new(plan->nodes, true);
    return children_prepare(db, statement->shapes, err);
}

/* --- opening and closing --- */

void soql_bind_all(sqlite3_stmt *stmt, const struct soql_bind *binds, size_t count, int first)
{
    for (size_t i = 0; i < count; i++) {
        int at = first + (int)i;
        switch (binds[i].kind) {
        case SOQL_TEXT:
            sqlite3_bind_text(stmt, at, binds[i].text, -1, SQLITE_STATIC);
            break;
        case SOQL_INT:
            sqlite3_bind_int64(stmt, at, binds[i].integer);
            break;
        case SOQL_REAL:
            sqlite3_bind_double(stmt, at, binds[i].real);
            break;
        case SOQL_NULL:
            sqlite3_bind_null(stmt, at);
            break;
        }
    }
}

static struct soql_cursor *open_cursor(struct org *org, const struct soql_plan *plan,
                                       const char *parent_id, struct err *err)
{
    struct soql_cursor *cursor = mem_alloc(sizeof *cursor);
    cursor->org = org;
    cursor->total = -1;
    snprintf(cursor->parent_id, sizeof cursor->parent_id, "%s", parent_id ? parent_id : "");
    cursor->db = org_reader_take(org);
    if (!cursor->db) {
        err_set(err, "UNKNOWN_EXCEPTION", "no reader connection");
        goto failed;
    }
    /* BEGIN alone takes no snapshot: the first read does. */
    cursor->snapshot = sqlite3_get_autocommit(cursor->db);
    if (cursor->snapshot && sqlite3_exec(cursor->db, "BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1",
                                         NULL, NULL, NULL) != SQLITE_OK) {
        sql_fail(cursor->db, err, "opening a snapshot");
        goto failed;
    }
    if (statement_prepare(cursor->db, &cursor->top, plan, parent_id != NULL, err) != OK)
        goto failed;
    if (parent_id)
        sqlite3_bind_text(cursor->top.stmt, 1, cursor->parent_id, -1, SQLITE_STATIC);
    return cursor;
failed:
    soql_close(cursor);
    return NULL;
}

struct soql_cursor *soql_open(struct org *org, const struct soql_plan *plan, struct err *err)
{
    return open_cursor(org, plan, NULL, err);
}

struct soql_cursor *soql_open_child(struct org *org, const struct soql_plan *child,
                                    const char *parent_id, struct err *err)
{
    return open_cursor(org, child, parent_id, err);
}

void soql_page_children(struct soql_cursor *cursor, size_t most, soql_more_fn *more, void *ctx)
{
    cursor->child_most = most;
    cursor->more = more;
    cursor->more_ctx = ctx;
}

bool soql_at_end(const struct soql_cursor *cursor)
{
    return cursor->done;
}

static const struct soql_plan *find_child(const struct soql_node *node, int ordinal)
{
    const struct soql_plan *found = NULL;
    for (; node && !found; node = node->next) {
        if (node->child && node->ordinal == ordinal)
            return node->child;
        found = node->child ? find_child(node->child->nodes, ordinal)
                            : find_child(node->first, ordinal);
    }
    return found;
}

const struct soql_plan *soql_child_plan(const struct soql_plan *plan, int ordinal)
{
    return find_child(plan->nodes, ordinal);
}

void soql_close(struct soql_cursor *cursor)
{
    if (!cursor)
        return;
    statement_free(&cursor->top);
    if (cursor->db) {
        if (cursor->snapshot && !sqlite3_get_autocommit(cursor->db))
            sqlite3_exec(cursor->db, "ROLLBACK", NULL, NULL, NULL);
        org_reader_give(cursor->org, cursor->db);
    }
    free(cursor->base);
    free(cursor);
}

/* How many rows a plan has, under this parent (NULL: it is no child query); -1 on failure. */
static int64_t count_rows(struct soql_cursor *cursor, const struct soql_plan *plan,
                          const char *parent_id, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int64_t total = -1;
    if (sqlite3_prepare_v2(cursor->db, plan->count_sql, -1, &stmt, NULL) == SQLITE_OK) {
        soql_bind_all(stmt, plan->binds, plan->bind_count, parent_id ? 2 : 1);
        if (parent_id)
            sqlite3_bind_text(stmt, 1, parent_id, -1, SQLITE_STATIC);
        if (sqlite3_step(stmt) == SQLITE_ROW)
            total = sqlite3_column_int64(stmt, 0);
    }
    if (total < 0)
        sql_fail(cursor->db, err, "counting");
    sqlite3_finalize(stmt);
    return total;
}

int64_t soql_total(struct soql_cursor *cursor, struct err *err)
{
    if (cursor->total < 0)
        cursor->total = count_rows(cursor, cursor->top.plan,
                                   cursor->parent_id[0] ? cursor->parent_id : NULL, err);
    return cursor->total;
}

enum status soql_rewind(struct soql_cursor *cursor, struct err *err)
{
    cursor->done = false;
    if (sqlite3_reset(cursor->top.stmt) != SQLITE_OK)
        return sql_fail(cursor->db, err, "rewinding the query");
    return OK;
}

/* One row further. *row says whether there was one. */
static enum status cursor_step(struct soql_cursor *cursor, bool *row, struct err *err)
{
    *row = false;
    if (cursor->done || cursor->top.plan->count_only)
        return OK;
    int rc = sqlite3_step(cursor->top.stmt);
    *row = rc == SQLITE_ROW;
    cursor->done = !*row;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? OK : sql_fail(cursor->db, err, "reading rows");
}

sqlite3_stmt *soql_next(struct soql_cursor *cursor, struct err *err)
{
    bool row = false;
    return cursor_step(cursor, &row, err) == OK && row ? cursor->top.stmt : NULL;
}

enum status soql_skip(struct soql_cursor *cursor, int64_t rows, struct err *err)
{
    bool row = true;
    enum status rc = OK;
    while (rows-- > 0 && row && rc == OK)
        rc = cursor_step(cursor, &row, err);
    return rc;
}

/* --- writing --- */

static char *attributes_open(const char *base, const struct sobject *object, size_t *len)
{
    char *text = mem_printf("{\"attributes\":{\"type\":\"%s\",\"url\":\"%s/sobjects/%s/",
                            object->name, base, object->name);
    *len = strlen(text);
    return text;
}

static void statement_set_base(struct statement *statement, const char *base);

static void shapes_set_base(struct shape *shape, const char *base)
{
    for (; shape; shape = shape->next) {
        free(shape->open);
        shape->open = NULL;
        if (shape->node->kind == SOQL_PARENT && shape->node->object)
            shape->open = attributes_open(base, shape->node->object, &shape->open_len);
        shapes_set_base(shape->first, base);
        if (shape->child.plan)
            statement_set_base(&shape->child, base);
    }
}

static void statement_set_base(struct statement *statement, const char *base)
{
    free(statement->open);
    if (statement->plan->aggregate)
        statement->open = mem_strdup("{\"attributes\":{\"type\":\"AggregateResult\"");
    else
        statement->open = attributes_open(base, statement->plan->object, &statement->open_len);
    statement->open_len = strlen(statement->open);
    shapes_set_base(statement->shapes, base);
}

static void write_bytes(struct buf *out, const char *bytes, size_t len)
{
    char *to = value_room(out, len);
    if (!to)
        return;
    memcpy(to, bytes, len);
    value_added(out, to + len);
}

/* {"attributes":{...} up to and with its closing brace. */
static void write_attributes(struct buf *out, const char *open, size_t open_len, sqlite3_value *id)
{
    const char *text = id ? (const char *)sqlite3_value_text(id) : NULL;
    size_t len = text ? (size_t)sqlite3_value_bytes(id) : 0;
    char *to = value_room(out, open_len + len + 2);
    if (!to)
        return;
    memcpy(to, open, open_len);
    to += open_len;
    if (text) {
        memcpy(to, text, len);
        to += len;
        *to++ = '"';
    }
    *to++ = '}';
    value_added(out, to);
}

static enum status write_shapes(struct soql_cursor *cursor, sqlite3_stmt *row,
                                const struct shape *shape, struct buf *out, struct err *err);

static enum status write_record(struct soql_cursor *cursor, const struct statement *statement,
                                struct buf *out, struct err *err)
{
    int id = statement->plan->id_column;
    write_attributes(out, statement->open, statement->open_len,
                     id >= 0 ? sqlite3_column_value(statement->stmt, id) : NULL);
    if (write_shapes(cursor, statement->stmt, statement->shapes, out, err) != OK)
        return FAIL;
    write_bytes(out, "}", 1);
    return OK;
}

/* The parent a polymorphic lookup points to: its type is in the id. */
static void write_name_attributes(struct soql_cursor *cursor, const struct shape *shape,
                                  sqlite3_value *id, struct buf *out)
{
    const char *text = (const char *)sqlite3_value_text(id);
    const struct sobject *object = schema_by_prefix(org_schema(cursor->org), text);
    const char *type = object ? object->name : "Name";
    buf_printf(out, "{\"attributes\":{\"type\":\"%s\",\"url\":\"%s/sobjects/%s/%s\"}",
               shape->real_type ? type : "Name", cursor->base, type, text);
}

static enum status write_parent(struct soql_cursor *cursor, sqlite3_stmt *row,
                                const struct shape *shape, struct buf *out, struct err *err)
{
    sqlite3_value *id = sqlite3_column_value(row, shape->node->column);
    if (sqlite3_value_type(id) == SQLITE_NULL) {
        write_bytes(out, "null", 4);
        return OK;
    }
    if (shape->open)
        write_attributes(out, shape->open, shape->open_len, id);
    else
        write_name_attributes(cursor, shape, id, out);
    if (write_shapes(cursor, row, shape->first, out, err) != OK)
        return FAIL;
    write_bytes(out, "}", 1);
    return OK;
}

static enum status write_typeof(struct soql_cursor *cursor, sqlite3_stmt *row,
                                const struct shape *shape, struct buf *out, struct err *err)
{
    const char *id = (const char *)sqlite3_column_text(row, shape->node->column);
    const struct sobject *object = id ? schema_by_prefix(org_schema(cursor->org), id) : NULL;
    const struct shape *chosen = NULL;
    for (const struct shape *branch = shape->first; branch && id; branch = branch->next)
        if (branch->node->object == object || (!branch->node->object && !chosen))
            chosen = branch;
    if (chosen)
        return write_parent(cursor, row, chosen, out, err);
    write_bytes(out, "null", 4);
    return OK;
}

static enum status write_compound(struct soql_cursor *cursor, sqlite3_stmt *row,
                                  const struct shape *shape, struct buf *out, struct err *err)
{
    bool any = false;
    for (const struct shape *part = shape->first; part && !any; part = part->next)
        any = sqlite3_column_type(row, part->node->column) != SQLITE_NULL;
    if (!any) {
        write_bytes(out, "null", 4);
        return OK;
    }
    write_bytes(out, "{", 1);
    if (write_shapes(cursor, row, shape->first, out, err) != OK)
        return FAIL;
    write_bytes(out, "}", 1);
    return OK;
}

/* What stands before the records is known after them: put in between. */
static void insert_head(struct buf *out, size_t at, const char *head, size_t len)
{
    char *end = value_room(out, len);
    if (!end)
        return;
    memmove(out->data + at + len, out->data + at, out->len - at);
    memcpy(out->data + at, head, len);
    value_added(out, end + len);
}

/* Up to child_most records; *more when there are others. */
static enum status write_child_records(struct soql_cursor *cursor, const struct statement *child,
                                       struct buf *out, int64_t *count, bool *more, struct err *err)
{
    for (;;) {
        int rc = sqlite3_step(child->stmt);
        if (rc == SQLITE_DONE)
            return OK;
        if (rc != SQLITE_ROW)
            return sql_fail(cursor->db, err, "reading child rows");
        if (cursor->child_most && *count == (int64_t)cursor->child_most) {
            *more = true;
            return OK;
        }
        if ((*count)++)
            write_bytes(out, ",", 1);
        if (write_record(cursor, child, out, err) != OK)
            return FAIL;
    }
}

/* The head of a list that was cut: its whole size, and where it goes on. */
static enum status head_of_cut(struct soql_cursor *cursor, const struct shape *shape,
                               const char *parent_id, int64_t count, char head[256],
                               struct err *err)
{
    int64_t total = count_rows(cursor, shape->child.plan, parent_id, err);
    if (total < 0)
        return FAIL;
    const char *url = cursor->more(cursor->more_ctx, shape->node, parent_id, count, total);
    snprintf(head, 256,
             "{\"totalSize\":%lld,\"done\":false,\"nextRecordsUrl\":\"%s\",\"records\":[",
             (long long)total, url ? url : "");
    return OK;
}

static enum status write_children(struct soql_cursor *cursor, sqlite3_stmt *row,
                                  const struct shape *shape, struct buf *out, struct err *err)
{
    const struct statement *child = &shape->child;
    char head[256];
    size_t start = out->len;
    int64_t count = 0;
    bool more = false;
    sqlite3_reset(child->stmt);
    sqlite3_bind_value(child->stmt, 1, sqlite3_column_value(row, shape->node->column));
    enum status rc = write_child_records(cursor, child, out, &count, &more, err);
    sqlite3_reset(child->stmt);
    if (rc != OK)
        return FAIL;
    if (count == 0) {
        write_bytes(out, "null", 4);
        return OK;
    }
    cursor->child_rows += (size_t)count;
    if (!more)
        snprintf(head, sizeof head, "{\"totalSize\":%lld,\"done\":true,\"records\":[",
                 (long long)count);
    else if (head_of_cut(cursor, shape,
                         (const char *)sqlite3_column_text(row, shape->node->column), count, head,
                         err) != OK)
        return FAIL;
    insert_head(out, start, head, strlen(head));
    write_bytes(out, "]}", 2);
    return OK;
}

/* A blob is a url to fetch it from. */
static void write_blob_url(struct soql_cursor *cursor, sqlite3_stmt *row, const struct shape *shape,
                           struct buf *out)
{
    const char *id = (const char *)sqlite3_column_text(row, shape->node->column);
    const struct field *field = shape->node->field;
    if (id && field)
        buf_printf(out, "%s\"%s/sobjects/%s/%s/%s\"", shape->key, cursor->base, field->owner->name,
                   id, field->name);
    else
        buf_printf(out, "%snull", shape->key);
}

static enum status write_shapes(struct soql_cursor *cursor, sqlite3_stmt *row,
                                const struct shape *shape, struct buf *out, struct err *err)
{
    enum status rc = OK;
    for (; shape && rc == OK; shape = shape->next) {
        const struct soql_node *node = shape->node;
        if (node->kind == SOQL_FIELD || node->kind == SOQL_AGGREGATE) {
            if (node->type == FT_BASE64)
                write_blob_url(cursor, row, shape, out);
            else
                value_write(out, shape->key, shape->key_len,
                            sqlite3_column_value(row, node->column), &shape->style);
            continue;
        }
        write_bytes(out, shape->key, shape->key_len);
        if (node->kind == SOQL_PARENT)
            rc = write_parent(cursor, row, shape, out, err);
        else if (node->kind == SOQL_CHILDREN)
            rc = write_children(cursor, row, shape, out, err);
        else if (node->kind == SOQL_TYPEOF)
            rc = write_typeof(cursor, row, shape, out, err);
        else
            rc = write_compound(cursor, row, shape, out, err);
    }
    return rc;
}

static void cursor_set_base(struct soql_cursor *cursor, const char *base)
{
    if (cursor->base && strcmp(cursor->base, base) == 0)
        return;
    free(cursor->base);
    cursor->base = mem_strdup(base);
    statement_set_base(&cursor->top, base);
}

enum status soql_write_json(struct soql_cursor *cursor, const char *base, size_t max,
                            struct buf *out, size_t *written, struct err *err)
{
    *written = 0;
    cursor->child_rows = 0;
    cursor_set_base(cursor, base);
    while (*written + (cursor->child_most ? cursor->child_rows : 0) < max) {
        bool row = false;
        if (cursor_step(cursor, &row, err) != OK)
            return FAIL;
        if (!row)
            break;
        if (*written)
            write_bytes(out, ",", 1);
        if (write_record(cursor, &cursor->top, out, err) != OK)
            return FAIL;
        if (out->overflow)
            return err_set(err, ERR_TOO_LARGE, "the page is larger than %zu bytes", out->limit);
        ++*written;
    }
    buf_added(out, 0); /* the NUL */
    return OK;
}
