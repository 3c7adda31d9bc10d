/* dml_write.c - the SQL of writing, prepared once for each object and list of
 * fields and kept with the object's table. */
#include "localorg/org/dml_priv.h"

#define SHAPES_MAX 64

bool bind_cell(sqlite3_stmt *statement, int at, const struct cell *cell)
{
    switch (cell->kind) {
    case CELL_INT:
        return sqlite3_bind_int64(statement, at, cell->integer) == SQLITE_OK;
    case CELL_REAL:
        return sqlite3_bind_double(statement, at, cell->real) == SQLITE_OK;
    case CELL_TEXT:
        return sqlite3_bind_text(statement, at, cell->text, (int)cell->len, SQLITE_STATIC) ==
               SQLITE_OK;
    default:
        return sqlite3_bind_null(statement, at) == SQLITE_OK;
    }
}

bool next_row(struct work *work, sqlite3_stmt *statement)
{
    enum status status = OK;
    bool row = db_next(statement, &status, work->err);
    if (status != OK)
        work_broke(work);
    return row;
}

static uint64_t shape_hash(const uint16_t *fields, size_t count)
{
    return text_hash((const char *)fields, count * sizeof *fields);
}

static sqlite3_stmt *shape_find(const struct shape *shapes, size_t shape_count,
                                const uint16_t *fields, size_t count)
{
    uint64_t hash = shape_hash(fields, count);
    for (size_t i = 0; i < shape_count; i++)
        if (shapes[i].hash == hash && shapes[i].count == count &&
            memcmp(shapes[i].fields, fields, count * sizeof *fields) == 0)
            return shapes[i].statement;
    return NULL;
}

static struct shape shape_new(const uint16_t *fields, size_t count, sqlite3_stmt *statement)
{
    struct shape shape = {.hash = shape_hash(fields, count),
                          .count = (uint16_t)count,
                          .fields = mem_array(count + 1, sizeof *fields),
                          .statement = statement};
    memcpy(shape.fields, fields, count * sizeof *fields);
    return shape;
}

/* Makes room by dropping the oldest half, so that a client with many shapes
 * does not prepare every one of them again. */
#define shapes_make_room(list)                                                                     \
    do {                                                                                           \
        if ((list)->len < SHAPES_MAX)                                                              \
            break;                                                                                 \
        for (size_t at_ = 0; at_ < SHAPES_MAX / 2; at_++) {                                        \
            sqlite3_finalize((list)->at[at_].statement);                                           \
            free((list)->at[at_].fields);                                                          \
        }                                                                                          \
        (list)->len -= SHAPES_MAX / 2;                                                             \
        memmove((list)->at, (list)->at + SHAPES_MAX / 2, (list)->len * sizeof *(list)->at);        \
    } while (0)

static sqlite3_stmt *prepare(struct work *work, struct buf *sql)
{
    sqlite3_stmt *statement = NULL;
    if (db_prepare(work->org->db, &statement, buf_text(sql), work->err) != OK)
        work_broke(work);
    buf_free(sql);
    return statement;
}

static void quote_field(struct buf *sql, const struct table *table, uint16_t field)
{
    quote_name(sql, table->object->fields[field]->name);
}

static sqlite3_stmt *prepare_insert(struct work *work, struct table *table, const uint16_t *fields,
                                    size_t count)
{
    struct buf sql = BUF_INIT;
    buf_str(&sql, "INSERT INTO ");
    quote_name(&sql, table->object->name);
    buf_str(&sql, " (\"Id\"");
    for (size_t i = 0; i < count; i++) {
        buf_str(&sql, ", ");
        quote_field(&sql, table, fields[i]);
    }
    buf_str(&sql, ") VALUES (?");
    for (size_t i = 0; i < count; i++)
        buf_str(&sql, ", ?");
    buf_char(&sql, ')');
    return prepare(work, &sql);
}

static sqlite3_stmt *prepare_update(struct work *work, struct table *table, const uint16_t *fields,
                                    size_t count)
{
    struct buf sql = BUF_INIT;
    buf_str(&sql, "UPDATE ");
    quote_name(&sql, table->object->name);
    buf_str(&sql, " SET ");
    for (size_t i = 0; i < count; i++) {
        buf_str(&sql, i ? ", " : "");
        quote_field(&sql, table, fields[i]);
        buf_printf(&sql, " = ?%zu", i + 2);
    }
    buf_str(&sql, " WHERE \"Id\" = ?1");
    return prepare(work, &sql);
}

/* The fields that have a value, in schema order. */
static size_t fields_set(const struct draft *draft, uint16_t *fields)
{
    size_t count = 0, total = draft->object->field_count;
    for (size_t i = 0; i < total; i++)
        if (draft->cells[i].kind != CELL_UNSET && draft->object->fields[i]->type != FT_ID)
            fields[count++] = (uint16_t)i;
    return count;
}

static bool run(struct work *work, struct draft *draft, sqlite3_stmt *statement,
                const uint16_t *fields, size_t count)
{
    bool good = sqlite3_bind_text(statement, 1, draft->id, 18, SQLITE_STATIC) == SQLITE_OK;
    for (size_t i = 0; i < count && good; i++)
        good = bind_cell(statement, (int)i + 2, &draft->cells[fields[i]]);
    if (good && db_run(statement, work->err) == OK) {
        if (draft->table->touched)
            touched_add(work->org, draft->table, draft->id);
        return true;
    }
    if (!good)
        db_fail(work->org->db, "binding a record", work->err);
    return work_broke(work);
}

bool write_insert(struct work *work, struct draft *draft)
{
    uint16_t *fields = arena_array(work->scratch, draft->object->field_count + 1, sizeof *fields);
    size_t count = fields_set(draft, fields);
    struct table *table = draft->table;
    if (!capture(work, table, draft->id, true))
        return false;
    sqlite3_stmt *insert = shape_find(table->inserts.at, table->inserts.len, fields, count);
    if (!insert) {
        insert = prepare_insert(work, table, fields, count);
        if (!insert)
            return false;
        shapes_make_room(&table->inserts);
        vec_push(&table->inserts, shape_new(fields, count, insert));
    }
    return run(work, draft, insert, fields, count);
}

bool write_update(struct work *work, struct draft *draft)
{
    uint16_t *fields = arena_array(work->scratch, draft->object->field_count + 1, sizeof *fields);
    size_t count = fields_set(draft, fields);
    struct table *table = draft->table;
    if (!count)
        return true;
    if (!capture(work, table, draft->id, false))
        return false;
    sqlite3_stmt *update = shape_find(table->updates.at, table->updates.len, fields, count);
    if (!update) {
        update = prepare_update(work, table, fields, count);
        if (!update)
            return false;
        shapes_make_room(&table->updates);
        vec_push(&table->updates, shape_new(fields, count, update));
    }
    return run(work, draft, update, fields, count);
}

/* --- looking --- */

sqlite3_stmt *table_finder(struct work *work, struct table *table, const struct field *field)
{
    uint16_t index = (uint16_t)field->index;
    sqlite3_stmt *find = shape_find(table->finders.at, table->finders.len, &index, 1);
    if (find)
        return find;
    struct buf sql = BUF_INIT;
    buf_str(&sql, "SELECT \"Id\", \"IsDeleted\" FROM ");
    quote_name(&sql, table->object->name);
    buf_str(&sql, " WHERE ");
    quote_name(&sql, field->name);
    buf_str(&sql, " = ?1 ORDER BY \"Id\"");
    find = prepare(work, &sql);
    if (!find)
        return NULL;
    shapes_make_room(&table->finders);
    vec_push(&table->finders, shape_new(&index, 1, find));
    return find;
}

sqlite3_stmt *table_reader(struct work *work, struct table *table, const struct field *field)
{
    uint16_t index = (uint16_t)field->index;
    sqlite3_stmt *read = shape_find(table->readers.at, table->readers.len, &index, 1);
    if (read)
        return read;
    struct buf sql = BUF_INIT;
    buf_str(&sql, "SELECT ");
    quote_name(&sql, field->name);
    buf_str(&sql, " FROM ");
    quote_name(&sql, table->object->name);
    buf_str(&sql, " WHERE \"Id\" = ?1");
    read = prepare(work, &sql);
    if (!read)
        return NULL;
    shapes_make_room(&table->readers);
    vec_push(&table->readers, shape_new(&index, 1, read));
    return read;
}

sqlite3_stmt *table_locate(struct work *work, struct table *table)
{
    if (table->locate)
        return table->locate;
    struct buf sql = BUF_INIT;
    buf_str(&sql, "SELECT \"IsDeleted\" FROM ");
    quote_name(&sql, table->object->name);
    buf_str(&sql, " WHERE \"Id\" = ?1");
    table->locate = prepare(work, &sql);
    return table->locate;
}

enum found record_find(struct work *work, struct table *table, const char *id18)
{
    sqlite3_stmt *locate = table_locate(work, table);
    if (!locate)
        return FOUND_BROKEN;
    sqlite3_bind_text(locate, 1, id18, 18, SQLITE_STATIC);
    enum found found = FOUND_NOT;
    if (next_row(work, locate))
        found = sqlite3_column_int(locate, 0) ? FOUND_DELETED : FOUND_LIVE;
    sqlite3_reset(locate);
    return work->broken ? FOUND_BROKEN : found;
}

static void cell_from_column(struct work *work, sqlite3_stmt *row, struct cell *out)
{
    switch (sqlite3_column_type(row, 0)) {
    case SQLITE_INTEGER:
        cell_int(out, sqlite3_column_int64(row, 0));
        break;
    case SQLITE_FLOAT:
        out->kind = CELL_REAL;
        out->real = sqlite3_column_double(row, 0);
        break;
    case SQLITE_TEXT:
        cell_text(out, arena_strdup(work->scratch, db_text(row, 0)));
        break;
    default:
        out->kind = CELL_NULL;
    }
}

bool draft_value(struct work *work, struct draft *draft, const struct field *field,
                 struct cell *out)
{
    *out = draft->cells[field->index];
    if (out->kind != CELL_UNSET)
        return true;
    out->kind = CELL_NULL;
    if (draft->insert || !field->stored)
        return true;
    return stored_value(work, draft->object, field->name, draft->id, out);
}

bool stored_value(struct work *work, const struct sobject *object, const char *name,
                  const char *id18, struct cell *out)
{
    out->kind = CELL_NULL;
    const struct field *field = object ? sobject_field(object, name) : NULL;
    struct table *table;
    if (!field || !field->stored)
        return true;
    if (table_ready(work->org, object, &table, work->err) != OK)
        return work_broke(work);
    sqlite3_stmt *read = table_reader(work, table, field);
    if (!read)
        return false;
    sqlite3_bind_text(read, 1, id18, -1, SQLITE_STATIC);
    if (next_row(work, read))
        cell_from_column(work, read, out);
    sqlite3_reset(read);
    return !work->broken;
}
