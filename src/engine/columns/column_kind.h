/* column_kind.h - what a column can do: one row per kind, one file per kind.
 *
 * The option table is the single description of a kind: recipes are parsed by
 * it, `argil column kinds` prints it, the API's schema and the UI's form are
 * made from it. The config JSON of a column is exactly the recipe's mapping
 * turned to JSON: {"connection":"prod","object":"Lead","set":{"LastName":
 * "{{Last name}}"}}; a kind with `bare` also takes a bare text in the recipe
 * (formula: "...") which becomes {"formula":"..."}.
 *
 * Order for whoever applies a recipe: column_kind_find, column_options_check,
 * column_refs (do the references name columns? -> depends), kind->validate. */
#ifndef ARGIL_ENGINE_COLUMNS_COLUMN_KIND_H
#define ARGIL_ENGINE_COLUMNS_COLUMN_KIND_H

#include "engine/engine.h"

/* ------------------------------------------------------------- options */

enum option_type {
    OPT_TEXT,         /* text, taken as it is */
    OPT_CONNECTION,   /* text: a connection's name */
    OPT_OBJECT,       /* text: an SObject's API name */
    OPT_FIELD,        /* text: a field's API name on `object` */
    OPT_TEMPLATE,     /* text with {{Column.path}} */
    OPT_FORMULA,      /* JavaScript expression with {{Column.path}} */
    OPT_TEMPLATE_MAP, /* name -> template (HTTP headers) */
    OPT_FIELD_MAP,    /* field of `object` -> template, number, true/false or null */
    OPT_FIELD_MAPS,   /* list of such mappings */
    OPT_QUERY,        /* SOQL with {{Column.path}}, each put in as a quoted value */
    OPT_RULE,         /* JavaScript expression over {{match.Field}}: names no column */
    OPT_FIELD_LIST,   /* list of fields of `object` */
    OPT_TEXT_LIST,    /* list of texts, or one */
    OPT_FIELD_RULES,  /* field -> one of `allowed`; or one of `allowed` for all fields */
    OPT_BODY, /* template text, or any mapping or list whose texts are templates (sent as JSON) */
    OPT_BOOL,
    OPT_INT,     /* within min..max */
    OPT_ENUM,    /* one of `allowed` */
    OPT_RATE,    /* "5/s", "100/m", "1000/h" */
    OPT_INT_LIST, /* list of whole numbers, or one */
    OPT_STEPS,    /* list of column kinds to be tried in order: columns/steps.h */
    OPT_SOURCE_FIELDS /* "all", or a list: Name, {Name: Column}, {Name: {column, type}} */
};

struct kind_option {
    const char *name;
    enum option_type type;
    bool required;
    const char *help;           /* one sentence */
    const char *fallback;       /* default, as text for people; NULL = none */
    const char *const *allowed; /* NULL-terminated, for OPT_ENUM and OPT_FIELD_RULES */
    int64_t min, max;           /* OPT_INT, when max > 0 */
};

/* ---------------------------------------------------------- validation */

/* What a kind sees when a recipe is checked. The table is a draft: its ids may
 * be 0, its columns have names, types, kinds and configs. Errors added here
 * carry where = the path inside the config, keys joined by '/' ("set/Industry",
 * "" = the column itself); the recipe turns that into file:line:column. */
struct kind_check {
    struct engine *engine;
    struct arena *arena;
    const struct table *table;
    const struct column *column;
    const struct json *config; /* the column's config, parsed; options already checked */
    /* A session that the caller keeps open until all checks are done. NULL with *err set. */
    struct crm_session *(*session)(void *ctx, const char *connection, struct err *err);
    void *session_ctx;
    err_list *errors;
};
/* Adds an error and returns it, so that a hint or cause can be set. The pointer is good until the
 * next. */
struct err *kind_check_fail(struct kind_check *check, const char *where, const char *code,
                            const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Adds "table T has no column NAME" with the nearest that it has. */
void kind_check_no_column(struct kind_check *check, const char *where, const char *name,
                          const struct table *table);
/* A table by name, the draft itself included; NULL: an error was added at "table". */
const struct table *kind_check_table(struct kind_check *check, const char *name);

/* ----------------------------------------------------------- execution */

struct run_job; /* one run of one table: engine/run_priv.h */
struct column_batch;

/* How sure a column's writes are (reliability B.3), from describe and its config. */
struct mode {
    enum write_mode mode;
    const char *seal_field; /* MODE_SEALED: our own unique field */
    const char *key_field;  /* the unique field of its business key, or NULL */
};

struct column_kind {
    const char *name;  /* the recipe's key: "salesforce_create" */
    const char *title; /* "Create a Salesforce record" */
    const char *help;  /* one or two sentences */
    const struct kind_option *options;
    size_t option_count;
    const char *object;   /* the one object it is about, when no option says it; or NULL */
    const char *bare;     /* option that a bare text in the recipe stands for, or NULL */
    bool writes;          /* first write wants approval; goes through guard and journal */
    bool typed;           /* people type it (engine/edit.h): nothing computes it, execute is NULL */
    enum value_type type; /* of the column when the recipe names none */
    /* Write kinds: the mode of what it creates. */
    struct mode (*mode)(const struct crm_object *object, const struct json *config);
    const char *item;     /* a reference that stands for an item of a list, not for a column; or NULL */
    const char *item_if;  /* only where the config has this option; NULL = always */
    bool costs;           /* it asks somebody: what each cell cost is kept (store_costs.h) */
    bool step;            /* may be a step of a waterfall: it reads, computes, and stores nothing itself */
    size_t batch_rows;    /* how many rows execute likes to have at once */
    bool whole_run;       /* it keeps something over all rows of a run (a rate, answers, counts): the
                             run stays in one process */
    /* Checks the config against the live org or worker; adds to check->errors. May be NULL. */
    void (*validate)(struct kind_check *check);
    /* Computes one batch; see engine/run_priv.h. */
    enum status (*execute)(struct column_batch *batch, struct err *err);
};

extern const struct column_kind formula_column, http_column, salesforce_lookup_column,
    salesforce_create_column, salesforce_update_column, salesforce_upsert_column,
    salesforce_delete_column, salesforce_campaign_column, salesforce_convert_column, merge_column,
    extract_column, lookup_rows_column, waterfall_column, send_rows_column, script_column,
    input_column;

extern const struct column_kind *const column_kinds[];        /* NULL-terminated */
const struct column_kind *column_kind_find(const char *name); /* exact; NULL when there is none */
/* Its cells have to be computed: it comes neither from the source nor from people. */
bool column_is_computed(const struct column *column);
/* Names of all kinds, for "did you mean"; *count of them. */
const char *const *column_kind_names(size_t *count);
/* The object a column is about: the kind's own, or its option `object`. NULL = none. */
const char *column_object(const struct column_kind *kind, const struct json *config);
const struct kind_option *column_kind_option(const struct column_kind *kind, const char *name);
const char *option_type_name(enum option_type type); /* "text", "template", ... for people */

/* Checks presence, names, types and ranges of all options of a config. Adds
 * errors with where = path; true when none was added. */
bool column_options_check(const struct column_kind *kind, const struct json *config,
                          err_list *errors);
/* The same by a bare option table; `kind` is the name shown. */
bool options_check(const char *kind, const struct kind_option *options, size_t count,
                   const struct json *config, err_list *errors);

/* Every {{reference}} of a column: of its template, formula, map and body
 * options, and of only_run_if (may be NULL). Secrets are left out. */
struct column_ref {
    const char *text;   /* "Company.industry" */
    const char *where;  /* path inside the config, or "only_run_if" */
    const char *option; /* name of the option, or "only_run_if" */
    struct column_ref *next;
};
/* FAIL on an unclosed {{, with err.where = the path. */
enum status column_refs(struct arena *arena, const struct column_kind *kind,
                        const struct json *config, const char *only_run_if,
                        struct column_ref **refs, struct err *err);
/* The column a reference names: the longest column name it starts with, up to
 * the end, '.' or '['. *path = what follows ("industry", "[0].x", or ""). NULL = none. */
const struct column *column_ref_resolve(const struct table *table, const char *ref,
                                        const char **path);

/* "5/s" -> requests and milliseconds; false when malformed. */
bool rate_parse(const char *text, int *requests, int64_t *per_ms);

#endif
