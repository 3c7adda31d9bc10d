/* kinds.c - column kinds and source kinds with their options: what forms are made
 * of. The rows are the engine's own (column_kind.h, source_kind.h). */
#include "api/nouns.h"

#include "engine/columns/column_kind.h"
#include "engine/sources/source_kind.h"

static const struct field option_fields[] = {
    {"name", F_TEXT, F_REQUIRED, "the recipe's key"},
    {"type", F_TEXT, F_REQUIRED, "text, connection, object, field, template, formula, ..."},
    {"required", F_BOOL, F_REQUIRED, NULL},
    {"help", F_TEXT, F_REQUIRED | F_NULL, "one sentence"},
    {"fallback", F_TEXT, F_REQUIRED | F_NULL, "what is taken without it, for people"},
    {"allowed", F_LIST, F_REQUIRED, "words of an enum", .item = F_TEXT},
    {"min", F_INT, F_REQUIRED | F_NULL, NULL},
    {"max", F_INT, F_REQUIRED | F_NULL, NULL},
    {0},
};
static const struct shape option_shape = {"KindOption", NULL, option_fields};
static const struct field kind_fields[] = {
    {"name", F_TEXT, F_REQUIRED, "the recipe's key"},
    {"title", F_TEXT, F_REQUIRED, "for people"},
    {"help", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"bare", F_TEXT, F_REQUIRED | F_NULL, "option that a bare text stands for"},
    {"writes", F_BOOL, F_REQUIRED, "writes to the org"},
    {"typed", F_BOOL, F_REQUIRED, "people type it; nothing computes it"},
    {"type", F_TEXT, F_REQUIRED, "of the column when none is named"},
    {"options", F_LIST, F_REQUIRED, NULL, .of = &option_shape},
    {0},
};
static const struct shape kind_shape = {"ColumnKind", NULL, kind_fields};
static const struct field kind_list_fields[] = {
    {"kinds", F_LIST, F_REQUIRED, NULL, .of = &kind_shape},
    {"types", F_LIST, F_REQUIRED, "value types of columns", .item = F_TEXT},
    {0},
};
const struct shape kind_list_shape = {"ColumnKinds", "What a column can do.", kind_list_fields};

static void write_option(struct jw *w, const struct kind_option *o)
{
    jw_object(w);
    jw_kv_text(w, "name", o->name);
    jw_kv_text(w, "type", option_type_name(o->type));
    jw_kv_bool(w, "required", o->required);
    jw_kv_text(w, "help", o->help);
    jw_kv_text(w, "fallback", o->fallback);
    jw_key(w, "allowed");
    jw_array(w);
    for (const char *const *word = o->allowed; word && *word; word++)
        jw_text(w, *word);
    jw_end_array(w);
    if (o->max > 0) {
        jw_kv_int(w, "min", o->min);
        jw_kv_int(w, "max", o->max);
    } else {
        jw_kv_null(w, "min");
        jw_kv_null(w, "max");
    }
    jw_end_object(w);
}

static void write_kind(struct jw *w, const struct column_kind *kind)
{
    jw_object(w);
    jw_kv_text(w, "name", kind->name);
    jw_kv_text(w, "title", kind->title);
    jw_kv_text(w, "help", kind->help);
    jw_kv_text(w, "bare", kind->bare);
    jw_kv_bool(w, "writes", kind->writes);
    jw_kv_bool(w, "typed", kind->typed);
    jw_kv_text(w, "type", value_type_name(kind->type));
    jw_key(w, "options");
    jw_array(w);
    for (size_t i = 0; i < kind->option_count; i++)
        write_option(w, &kind->options[i]);
    jw_end_array(w);
    jw_end_object(w);
}

static const struct field source_kind_fields[] = {
    {"name", F_TEXT, F_REQUIRED, NULL},
    {"key", F_TEXT, F_REQUIRED, "in a recipe"},
    {"chosen_by", F_TEXT, F_REQUIRED | F_NULL, "the option that picks it among those of its key"},
    {"title", F_TEXT, F_REQUIRED, "for people"},
    {"help", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"bare", F_TEXT, F_REQUIRED | F_NULL, "option that a bare text stands for"},
    {"every", F_TEXT, F_REQUIRED | F_NULL, "schedule when none is named"},
    {"when_deleted", F_TEXT, F_REQUIRED | F_NULL, "rule when none is named"},
    {"options", F_LIST, F_REQUIRED, NULL, .of = &option_shape},
    {0},
};
static const struct shape source_kind_shape = {"SourceKind", NULL, source_kind_fields};
static const struct field source_kind_list_fields[] = {
    {"kinds", F_LIST, F_REQUIRED, NULL, .of = &source_kind_shape},
    {0},
};
const struct shape source_kind_list_shape = {"SourceKinds", "Where rows can come from.",
                                             source_kind_list_fields};

static void write_source_kind(struct jw *w, const struct source_kind *kind)
{
    jw_object(w);
    jw_kv_text(w, "name", kind->name);
    jw_kv_text(w, "key", kind->key);
    jw_kv_text(w, "chosen_by", kind->chosen_by);
    jw_kv_text(w, "title", kind->title);
    jw_kv_text(w, "help", kind->help);
    jw_kv_text(w, "bare", kind->bare);
    jw_kv_text(w, "every", kind->every);
    jw_kv_text(w, "when_deleted", kind->when_deleted);
    jw_key(w, "options");
    jw_array(w);
    for (size_t i = 0; i < kind->option_count; i++)
        write_option(w, &kind->options[i]);
    jw_end_array(w);
    jw_end_object(w);
}

enum status api_source_kind_list(struct call *call, struct err *err)
{
    struct jw *w = &call->w;
    jw_object(w);
    jw_key(w, "kinds");
    jw_array(w);
    for (size_t i = 0; source_kinds[i]; i++)
        write_source_kind(w, source_kinds[i]);
    jw_end_array(w);
    jw_end_object(w);
    return OK;
}

enum status api_kind_list(struct call *call, struct err *err)
{
    struct jw *w = &call->w;
    jw_object(w);
    jw_key(w, "kinds");
    jw_array(w);
    for (size_t i = 0; column_kinds[i]; i++)
        write_kind(w, column_kinds[i]);
    jw_end_array(w);
    jw_key(w, "types");
    jw_array(w);
    for (size_t i = 0; i < value_type_count(); i++)
        jw_text(w, value_type_name((enum value_type)i));
    jw_end_array(w);
    jw_end_object(w);
    return OK;
}
