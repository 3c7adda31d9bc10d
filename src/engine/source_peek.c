/* source_peek.c - the first rows of a source, before a table is made of it.
 *
 * The kind checks its options as it does for a recipe, and says how rows are read;
 * nothing is stored. The fields are those that the options choose, else what the source
 * shows, up to a bound. */
#include "engine/engine.h"

#include "base/str.h"
#include "connect/connect_views.h"
#include "engine/access.h"
#include "engine/sources/source_kind.h"

#include <string.h>

#define FIELDS_MOST 100

struct peeking {
    struct engine *engine;
    const char *connection;
    struct crm_session *session;
};

static struct crm_session *session_of(void *ctx, const char *connection, struct err *err)
{
    struct peeking *p = ctx;
    if (!text_eq(connection, p->connection)) {
        err_set(err, ERR_INVALID, "it is looked at through \"%s\"", p->connection);
        return NULL;
    }
    if (!p->session && access_may_build(p->engine, connection, err) == OK)
        p->session = engine_session(p->engine, connection, err);
    return p->session;
}

/* The names under `fields`: texts, or {name of a column: name of a field}. */
static const char *chosen_name(const struct json *one)
{
    return json_is(one, JSON_OBJECT) ? json_text(json_at(one, 0)) : json_text(one);
}

static void choose_fields(struct source_check *check, const struct source_kind *kind)
{
    const struct json *list = json_get(check->config, "fields");
    struct source_field *chosen = arena_array(check->arena, FIELDS_MOST, sizeof *chosen);
    size_t count = 0;
    if (json_is(list, JSON_ARRAY)) {
        json_each(one, list) {
            const char *name = chosen_name(one);
            struct source_field *field = &chosen[count];
            if (name && count < FIELDS_MOST && kind->field(check, name, "fields", field))
                count++;
        }
    } else {
        for (size_t i = 0; i < check->field_count && count < FIELDS_MOST; i++)
            if (!check->fields[i].aside)
                chosen[count++] = check->fields[i];
    }
    check->fields = chosen;
    check->field_count = count;
}

static enum status read_first(struct source_check *check, const struct source_kind *kind,
                              struct crm_session *session, struct source_peek *out, struct err *err)
{
    struct crm_rows_read read = {0};
    struct crm_rows rows = {0};
    const struct crm_views *views = session->does->views;
    const char **names = arena_array(check->arena, check->field_count + 1, sizeof *names);
    kind->peek(check, &read);
    for (size_t i = 0; i < check->field_count; i++)
        names[i] = check->fields[i].name;
    read.columns = names;
    read.column_count = check->field_count;
    struct crm_rows_reader *reader = views->open(session, &read, err);
    enum status rc = reader ? views->next(reader, check->arena, &rows, err) : FAIL;
    views->close(reader);
    out->values = rows.values;
    out->row_count = rows.count < SOURCE_PEEK_ROWS ? rows.count : SOURCE_PEEK_ROWS;
    return rc;
}

static enum status peek(struct peeking *p, struct source_check *check,
                        const struct source_kind *kind, struct source_peek *out, struct err *err)
{
    if (source_options_check(kind, check->config, check->errors))
        kind->check(check);
    if (!check->errors->len)
        choose_fields(check, kind);
    if (check->errors->len)
        return err_set(err, ERR_RECIPE, "these rows cannot be read so");
    if (!check->field_count)
        return err_set(err, ERR_INVALID, "no field is chosen");
    enum status rc = read_first(check, kind, p->session, out, err);
    out->columns = arena_array(check->arena, check->field_count, sizeof *out->columns);
    out->column_count = check->field_count;
    for (size_t i = 0; i < check->field_count; i++)
        out->columns[i] = (struct source_peek_column){
            check->fields[i].column ? check->fields[i].column : check->fields[i].name,
            check->fields[i].type};
    return rc;
}

enum status engine_source_peek(struct engine *engine, struct arena *arena, const char *connection,
                               const char *kind_name, const struct json *config,
                               struct source_peek *out, err_list *errors, struct err *err)
{
    struct peeking p = {.engine = engine, .connection = connection};
    const struct source given = {.name = "preview", .kind = kind_name};
    struct source_check check = {.engine = engine, .arena = arena, .table = "preview",
                                 .source = "preview", .recipe = "preview", .config = config,
                                 .session = session_of, .session_ctx = &p, .errors = errors};
    *out = (struct source_peek){0};
    const struct source_kind *kind = source_kind_of(&given, err);
    if (!kind)
        return FAIL;
    if (!kind->peek)
        return err_set(err, ERR_INVALID, "%s: its rows cannot be looked at before the table is made",
                       kind->title);
    enum status rc = peek(&p, &check, kind, out, err);
    if (p.session)
        p.session->does->close(p.session);
    return rc;
}
