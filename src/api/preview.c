/* preview.c - a column that is not there yet, over a few rows, as the form that makes
 * it shows while it is filled in. */
#include "api/nouns.h"

#include "base/str.h"

#include <string.h>

#define ROWS_MAX 50

static const struct field preview_body_fields[] = {
    {"kind", F_TEXT, F_REQUIRED, "a column kind", .min = 1, .max = 100},
    {"config", F_OBJECT, F_REQUIRED, "its options, as in a recipe"},
    {"type", F_TEXT, 0, "of the values; without it what the kind gives", .min = 1, .max = 40},
    {"only_run_if", F_TEXT, 0, "formula", .min = 0, .max = 65536},
    {"row_ids", F_LIST, F_REQUIRED, "rows to show it for", .item = F_INT, .max = ROWS_MAX},
    {0},
};
const struct shape preview_body = {"PreviewOrder", NULL, preview_body_fields};

static const struct field preview_row_fields[] = {
    {"row_id", F_INT, F_REQUIRED, NULL},
    {"value", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"state", F_TEXT, F_REQUIRED, "\"queued\": it would write, see `write`"},
    {"code", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"message", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"write", F_ANY, F_REQUIRED | F_NULL, "kind, object, target, set, before"},
    {0},
};
static const struct shape preview_row_shape = {"PreviewRow", NULL, preview_row_fields};
static const struct field preview_fields[] = {
    {"rows", F_LIST, F_REQUIRED, "those that are there", .of = &preview_row_shape},
    {"calls", F_INT, F_REQUIRED, "API calls that it took"},
    {0},
};
const struct shape preview_shape = {"Preview", NULL, preview_fields};

static void write_row(struct jw *w, const struct preview_row *row)
{
    jw_object(w);
    jw_kv_int(w, "row_id", row->row_id);
    jw_key(w, "value");
    if (row->value.text)
        jw_text_n(w, row->value.text, row->value.len);
    else
        jw_null(w);
    jw_kv_text(w, "state", cell_state_name(row->state));
    jw_kv_text(w, "code", row->code);
    jw_kv_text(w, "message", row->message);
    jw_kv_json(w, "write", row->write);
    jw_end_object(w);
}

static const char *config_text(struct call *call)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_value(&w, json_get(call->body, "config"));
    const char *copy = arena_strdup(call->arena, buf_text(&text));
    buf_free(&text);
    return copy;
}

static enum status draft_of(struct call *call, struct column *draft, struct err *err)
{
    const char *type = json_get_text(call->body, "type");
    const char *condition = json_get_text(call->body, "only_run_if");
    *draft = (struct column){.name = "(preview)",
                             .kind = json_get_text(call->body, "kind"),
                             .config = config_text(call),
                             .only_run_if = text_blank(condition) ? NULL : condition};
    if (!type || value_type_parse(type, &draft->type))
        return OK;
    err_set(err, ERR_INVALID, "there is no type \"%s\"", type);
    err_where(err, "type");
    return FAIL;
}

enum status api_preview(struct call *call, struct err *err)
{
    const struct json *ids = json_get(call->body, "row_ids");
    int64_t *rows = arena_array(call->arena, ids->len + 1, sizeof *rows);
    size_t count = 0;
    struct column draft;
    struct preview preview;
    err_list errors = {0};
    json_each(id, ids) rows[count++] = json_int(id, 0);
    if (draft_of(call, &draft, err) != OK)
        return FAIL;
    enum status rc = column_preview(call->engine, call->arena, call->values[0], &draft, rows, count,
                                    &preview, &errors, err);
    call_keep_errors(call, &errors);
    vec_free(&errors);
    if (rc != OK)
        return FAIL;
    jw_object(&call->w);
    jw_key(&call->w, "rows");
    jw_array(&call->w);
    for (size_t i = 0; i < preview.count; i++)
        write_row(&call->w, &preview.rows[i]);
    jw_end_array(&call->w);
    jw_kv_int(&call->w, "calls", (int64_t)preview.calls);
    jw_end_object(&call->w);
    return OK;
}
