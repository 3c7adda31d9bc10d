/* source_peek.c - the first rows of a source, as the form that makes a table shows them. */
#include "api/nouns.h"

static const struct field body_fields[] = {
    {"kind", F_TEXT, F_REQUIRED, "a source kind", .min = 1, .max = 100},
    {"config", F_OBJECT, F_REQUIRED, "its options, as in a recipe; the connection is this one"},
    {0},
};
const struct shape source_peek_body = {"SourcePreviewOrder", NULL, body_fields};
static const struct field column_fields[] = {
    {"name", F_TEXT, F_REQUIRED, NULL},
    {"type", F_TEXT, F_REQUIRED, NULL},
    {0},
};
static const struct shape column_shape = {"SourcePreviewColumn", NULL, column_fields};
static const struct field peek_fields[] = {
    {"columns", F_LIST, F_REQUIRED, NULL, .of = &column_shape},
    {"rows", F_LIST, F_REQUIRED, "the first ones: a list of texts each, null where there is nothing", .item = F_ANY},
    {0},
};
const struct shape source_peek_shape = {"SourcePreview", "The first rows of a source.", peek_fields};

static void write_rows(struct jw *w, const struct source_peek *peek)
{
    jw_array(w);
    for (size_t row = 0; row < peek->row_count; row++) {
        jw_array(w);
        for (size_t at = 0; at < peek->column_count; at++) {
            const struct value *value = &peek->values[row * peek->column_count + at];
            if (value->text)
                jw_text_n(w, value->text, value->len);
            else
                jw_null(w);
        }
        jw_end_array(w);
    }
    jw_end_array(w);
}

enum status api_source_peek(struct call *call, struct err *err)
{
    struct source_peek peek;
    err_list errors = {0};
    enum status rc =
        engine_source_peek(call->engine, call->arena, call->values[0], json_get_text(call->body, "kind"),
                           json_get(call->body, "config"), &peek, &errors, err);
    call_keep_errors(call, &errors);
    vec_free(&errors);
    if (rc != OK)
        return FAIL;
    jw_object(&call->w);
    jw_key(&call->w, "columns");
    jw_array(&call->w);
    for (size_t i = 0; i < peek.column_count; i++) {
        jw_object(&call->w);
        jw_kv_text(&call->w, "name", peek.columns[i].name);
        jw_kv_text(&call->w, "type", value_type_name(peek.columns[i].type));
        jw_end_object(&call->w);
    }
    jw_end_array(&call->w);
    jw_key(&call->w, "rows");
    write_rows(&call->w, &peek);
    jw_end_object(&call->w);
    return OK;
}
