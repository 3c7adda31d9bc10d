/* source_kind.h - where rows come from: one row per kind, one file per kind.
 *
 * As with column kinds, the option table is the single description: recipes are
 * parsed by it, `argil source kinds` prints it, the API's schema and the UI's form
 * are made from it. In a recipe a source is a mapping under its key:
 *
 *     source:
 *       csv: { file: leads.csv, fields: [Email, {Full name: Name}] }
 *       unique_by: [Email]
 *
 * Several kinds may share a key ("salesforce"); then `chosen_by` names the option
 * that tells them apart. What is stored is the kind's options as JSON, with the
 * rules of the source beside them:
 *
 *     {"file":"/home/ann/leads.csv","fields":["Email","Full name"],
 *      "map":{"Email":"Email","Name":"Full name"},"unique_by":["Email"],
 *      "every":"manual","update_existing":true,"when_deleted":"keep"}
 *
 * sync.c never asks which kind it is: it calls pull, which reads what is new,
 * changed and gone, hands rows over with sync_store (engine/sync_priv.h), and says
 * in the report whether the table is complete. */
#ifndef ARGIL_ENGINE_SOURCES_SOURCE_KIND_H
#define ARGIL_ENGINE_SOURCES_SOURCE_KIND_H

#include "engine/columns/column_kind.h"

struct sync;          /* engine/sync_priv.h */
struct crm_rows_read; /* connect/connect_views.h */

/* What tells rows of a source apart. */
enum source_key {
    KEY_RECORD, /* the record's Id: `unique_by` may say Id or nothing */
    KEY_NEEDED, /* `unique_by` must be given */
    KEY_CHOICE  /* `unique_by`, or else what the kind has: a line number, a delivery */
};

/* A field as the source shows it. Texts live on the check's arena. */
struct source_field {
    const char *name; /* path: "Owner.Name", "company.domain", a CSV heading */
    const char *label;
    enum value_type type;
    bool aside;         /* known by its name, but no part of `all` */
    const char *column; /* what the table's column is called unless the recipe says; NULL = name */
};

/* What a kind sees when a recipe is checked. Errors carry the path inside the
 * config ("where", "fields/2"); the recipe turns it into file:line:column. */
struct source_check {
    struct engine *engine;
    struct arena *arena;
    const char *table, *source; /* names */
    const char *recipe;         /* path of the recipe, or what stands for it */
    const struct json *config;  /* options already checked; the kind may put another tree */
    /* A session that the caller keeps open until all checks are done. NULL with *err set. */
    struct crm_session *(*session)(void *ctx, const char *connection, struct err *err);
    void *session_ctx;
    err_list *errors;
    void *own; /* for the kind, between check and field */
    /* Out. */
    const char *connection, *object; /* NULL = none; the object whose Ids are the keys */
    struct source_field *fields;     /* what `all` stands for */
    size_t field_count;
    bool open; /* other names than those of `fields` may exist */
};
struct err *source_check_fail(struct source_check *check, const char *where, const char *code,
                              const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Adds another room's error at a place. */
void source_check_add(struct source_check *check, const char *where, const struct err *cause);

struct source_kind {
    const char *name; /* "salesforce_object" */
    const char *key;  /* in a recipe: "salesforce" */
    const char
        *chosen_by;    /* the option that picks it among those of its key; NULL = the only one */
    const char *title; /* "Records of a Salesforce object" */
    const char *help;  /* one or two sentences */
    const struct kind_option *options;
    size_t option_count;
    const char *bare; /* option that a bare text in the recipe stands for, or NULL */
    enum source_key key_rule;
    const char *every;        /* schedule when the recipe names none */
    const char *when_deleted; /* likewise: "mark", "keep" */
    /* Looks at the remote: fills check's out members, adds errors. */
    void (*check)(struct source_check *check);
    /* One field by its name; false when an error was added at `where`. NULL: by check->fields. */
    bool (*field)(struct source_check *check, const char *name, const char *where,
                  struct source_field *out);
    /* How its first rows are read, after a check without errors, for a person who is about to
     * make the table. NULL: they cannot be looked at before. */
    void (*peek)(struct source_check *check, struct crm_rows_read *out);
    /* Brings the table up to date. Sets sync->subject as soon as it is known, report->complete,
     * as_of_ms, remote_count and rows_now. What was stored before a failure stays stored. NULL:
     * rows come by themselves. */
    enum status (*pull)(struct sync *sync, struct err *err);
    bool live; /* its rows are an object's records, whose changes may be listened for */
};

extern const struct source_kind salesforce_object_source, salesforce_list_view_source,
    salesforce_report_source, salesforce_soql_source, csv_source, webhook_source, http_source,
    table_source_kind, sent_source_kind;

extern const struct source_kind *const source_kinds[]; /* NULL-terminated */
/* The kind of a stored source; NULL with *err set when there is none of its name. */
const struct source_kind *source_kind_of(const struct source *source, struct err *err);
/* The kind that a recipe means by a key and the options under it (may be NULL);
 * the first of the key when nothing tells. NULL = no kind has that key. */
const struct source_kind *source_kind_find(const char *key, const struct json *config);
/* All keys, for "did you mean". */
const char *const *source_kind_keys(size_t *count);

/* Checks presence, names, types and ranges of a config by the option table. */
bool source_options_check(const struct source_kind *kind, const struct json *config,
                          err_list *errors);
/* The type of a column over a Salesforce field. */
enum value_type source_type_of(const struct crm_field *field);

#endif
