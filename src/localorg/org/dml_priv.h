/* dml_priv.h - what the dml_*.c files share: one call (work) and one row (draft).
 *
 * A row goes through, in this order:
 *   dml_row.c       find the target, may the user do it (dml_access.c), is the row locked
 *   dml_body.c      names to fields, parents by external id, write access
 *   dml_convert.c   JSON values to stored cells, types and formats
 *   dml_fill.c      defaults, owner, name parts, auto-numbers, audit fields
 *   dml_standard.c  what standard objects work out for themselves (dml_people.c: permissions)
 *   dml_check.c     required, references, unique
 *   rules.c         duplicate and validation rules
 *   dml_write.c     cached INSERT and UPDATE statements
 * Functions that refuse a row return false and have added the error to its
 * result; they set work->broken when the org itself failed. */
#ifndef LOCALORG_ORG_DML_PRIV_H
#define LOCALORG_ORG_DML_PRIV_H

#include "base/str.h"
#include "localorg/org/access.h"
#include "localorg/org/org_priv.h"

#include <string.h>

enum cell_kind { CELL_UNSET, CELL_NULL, CELL_INT, CELL_REAL, CELL_TEXT };

struct cell {
    enum cell_kind kind;
    uint32_t len; /* CELL_TEXT: bytes; the text need not end in NUL */
    union {
        int64_t integer;
        double real;
        const char *text;
    };
};

struct verified { /* a reference already looked up in this call */
    const struct field *field;
    char id[19];
};

struct work {
    struct org *org;
    const struct dml_options *options;
    struct access *access; /* of the user who writes; NULL: no access checks */
    struct judge *judges;  /* dml_access.c */
    enum dml_kind kind;
    struct arena *arena;   /* results */
    struct arena *scratch; /* one row */
    int64_t now_ms;        /* whole seconds */
    char user[19];
    struct cell *cells;
    size_t cell_count;
    struct verified verified[16];
    size_t verified_next;
    struct map *fresh;          /* ids written in this call */
    struct arena *call_arena;   /* lives as long as the call */
    struct question *questions; /* rules.c: duplicate rules compiled for this call */
    struct asked *asked;        /* conditions.c: the same for conditions */
    struct flow_sheet *sheets;  /* flows.c: and for the values flows set */
    struct cell nowhere;        /* where values of fields the object lacks go */
    bool cascading;             /* deleting what hangs on the row */
    bool broken;                /* the org failed; err is set */
    struct err *err;
};

struct draft {
    const struct dml_row *row;
    const struct sobject *object;
    struct table *table;
    struct dml_result *result;
    struct cell *cells; /* by field index */
    bool insert;
    char id[19];
};

/* --- dml.c --- */
/* Adds an error to the row's result; fields may be NULL. Always returns false. */
bool row_error(struct work *work, struct dml_result *result, const char *code,
               const char *const *fields, size_t field_count, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
bool field_error(struct work *work, struct draft *draft, const struct field *field,
                 const char *code, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The caller of a work: opened after org_write_begin, closed after org_write_end. */
void work_open(struct work *work);
void work_close(struct work *work);
/* Marks the work broken after a database failure; err is already set. Returns false. */
bool work_broke(struct work *work);

static inline struct cell *draft_cell(struct draft *draft, const struct field *field)
{
    return &draft->cells[field->index];
}

static inline void cell_text(struct cell *cell, const char *text)
{
    cell->kind = CELL_TEXT;
    cell->text = text;
    cell->len = (uint32_t)strlen(text);
}

static inline void cell_int(struct cell *cell, int64_t value)
{
    cell->kind = CELL_INT;
    cell->integer = value;
}

static inline bool cell_has(const struct cell *cell)
{
    return cell->kind > CELL_NULL;
}

static inline bool cell_is(const struct cell *cell, const char *text)
{
    size_t len = strlen(text);
    return cell->kind == CELL_TEXT && cell->len == len && strncasecmp(cell->text, text, len) == 0;
}

/* NUL-terminated copy on the scratch arena; NULL unless it is text. */
const char *cell_string(struct work *work, const struct cell *cell);

/* --- dml_convert.c --- */
bool convert_value(struct work *work, struct draft *draft, const struct field *field,
                   const struct json *value, struct cell *out);

/* --- dml_body.c --- */
/* Converts the body's members into draft->cells. */
bool body_read(struct work *work, struct draft *draft);

/* --- dml_fill.c --- */
bool fill_insert(struct work *work, struct draft *draft);
bool fill_update(struct work *work, struct draft *draft);
bool fill_last(struct work *work, struct draft *draft); /* id, numbers: when nothing can fail */
/* The cell as it will be: the draft's, or the stored one on update. */
bool draft_value(struct work *work, struct draft *draft, const struct field *field,
                 struct cell *out);
/* A field of a stored record, NULL cell when the record is not there. */
bool stored_value(struct work *work, const struct sobject *object, const char *field,
                  const char *id18, struct cell *out);

/* --- dml_standard.c --- */
bool standard_before(struct work *work, struct draft *draft);
bool standard_unique(struct work *work, struct draft *draft);
bool standard_after(struct work *work, struct draft *draft);

/* --- dml_access.c --- */
/* Is the record within the user's reach at this level? False also when the org failed. */
bool row_within(struct work *work, const struct sobject *object, const char *id18,
                enum sharing_level level);
/* May the user do this (an ORG_ bit) to the row draft->id? Refuses it when not. */
bool may_touch(struct work *work, struct draft *draft, int bit, enum sharing_level level);
bool may_make(struct work *work, const struct draft *draft); /* refuses nothing itself */
bool may_point(struct work *work, struct draft *draft, const struct field *field,
               const struct sobject *target, const char *id18);
/* An update that names another owner: is that allowed, and what it undoes. */
bool may_transfer(struct work *work, struct draft *draft);
void judges_free(struct work *work);

/* --- dml_people.c --- */
bool people_before(struct work *work, struct draft *draft);
bool people_after(struct work *work, struct draft *draft);

/* --- dml_files.c --- */
bool files_before(struct work *work, struct draft *draft);
bool files_after(struct work *work, struct draft *draft);

/* --- dml_check.c --- */
/* This reference leads somewhere, though the record is not written yet. */
void check_trust(struct work *work, const struct field *field, const char *id18);
bool check_required(struct work *work, struct draft *draft);
bool check_references(struct work *work, struct draft *draft);
bool check_unique(struct work *work, struct draft *draft);

/* --- dml_write.c --- */
/* One more row? False also when SQLite failed: then the work is broken. */
bool next_row(struct work *work, sqlite3_stmt *statement);
bool write_insert(struct work *work, struct draft *draft);
bool write_update(struct work *work, struct draft *draft);
bool bind_cell(sqlite3_stmt *statement, int at, const struct cell *cell);
/* Id and IsDeleted of the records whose field equals the bound value ?1. Cached. */
sqlite3_stmt *table_finder(struct work *work, struct table *table, const struct field *field);
/* The field's value of record ?1. Cached. */
sqlite3_stmt *table_reader(struct work *work, struct table *table, const struct field *field);
/* IsDeleted of record ?1. Cached. */
sqlite3_stmt *table_locate(struct work *work, struct table *table);

enum found { FOUND_LIVE, FOUND_DELETED, FOUND_NOT, FOUND_BROKEN };
enum found record_find(struct work *work, struct table *table, const char *id18);

/* --- dml_row.c --- */
bool row_insert(struct work *work, struct draft *draft);
bool row_update(struct work *work, struct draft *draft);
bool row_locked(struct work *work, struct draft *draft);

/* --- dml_event.c --- */
bool row_publish(struct work *work, struct draft *draft); /* a platform event, never stored */

/* --- dml_upsert.c --- */
/* Finds what the row's key means: draft->insert and draft->id. */
bool upsert_resolve(struct work *work, struct draft *draft);
/* Refuses rows that share a key; their results are marked failed. */
void upsert_refuse_doubles(struct work *work, const struct dml_row *rows, size_t count,
                           struct dml_result *results);

/* --- capture.c: before a record is written, when its object is captured --- */
void capture_open(struct work *work);
bool capture_record(struct work *work, struct table *table, const char *id, bool insert,
                    bool cascaded);

static inline bool capture(struct work *work, struct table *table, const char *id, bool insert)
{
    return !(table->captured || table->watched) ||
           capture_record(work, table, id, insert, work->cascading);
}

/* --- dml_delete.c --- */
struct children {
    VEC(const char *) ids;
};
/* Live records whose field holds the parent's id, on the scratch arena. */
bool record_children(struct work *work, struct table *table, const struct field *field,
                     const char *parent, struct children *out);
/* Sets something ("\"Name\" = 'x'") on one record and moves its stamps. */
bool record_touch(struct work *work, struct table *table, const char *id, const char *set);
bool record_mark(struct work *work, struct table *table, const char *id, bool is_deleted);
bool row_delete(struct work *work, struct draft *draft);
bool row_undelete(struct work *work, struct draft *draft);

/* --- dml_merge.c --- */
bool row_purge(struct work *work, struct draft *draft); /* out of the recycle bin for good */

/* --- conditions.c: SOQL or formula over the record as just written --- */
struct condition {
    const char *object;
    const char *when;    /* SOQL; or */
    const char *formula; /* both NULL: always met */
};
enum status condition_check(struct org *org, const struct condition *condition, struct err *err);
/* Before the write: notes the values a formula wants from before. */
bool condition_before(struct work *work, struct draft *draft, const struct condition *condition);
bool condition_met(struct work *work, struct draft *draft, const struct condition *condition,
                   bool *met);
void conditions_forget(struct work *work); /* at the end of the call */

/* --- flows.c --- */
bool flows_has(const struct org *org, const struct sobject *object);
bool flows_before(struct work *work, struct draft *draft); /* before the write: what was */
bool flows_set(struct work *work, struct draft *draft);    /* before-save flows */
bool flows_assign(struct work *work, struct draft *draft); /* the assignment rule */
bool flows_after(struct work *work, struct draft *draft);  /* after-save flows */
bool flows_delete(struct work *work, struct draft *draft); /* those that refuse a deletion */
void flows_forget(struct work *work);

/* --- rules.c --- */
bool rules_has_validation(const struct org *org, const struct sobject *object);
bool rules_duplicates(struct work *work, struct draft *draft);
bool rules_before(struct work *work, struct draft *draft);   /* before the write: what was */
bool rules_validate(struct work *work, struct draft *draft); /* after the write */
bool rules_has_duplicates(const struct org *org, const struct sobject *object);
void rules_forget(struct work *work); /* at the end of the call */

#endif
