/* org_write.h - the one way a column writes to an org.
 *
 * The three write kinds differ in how they find what is there and what is left
 * to write; the rest is the same for all:
 *
 *   write_open      session, describe, guard, fields with their templates
 *   (kind)          keys, ids, look-ups: settles rows that need no write,
 *                   fills an intent for those that do
 *   write_intents   approval, guard, plan, send, settle */
#ifndef ARGIL_ENGINE_COLUMNS_ORG_WRITE_H
#define ARGIL_ENGINE_COLUMNS_ORG_WRITE_H

#include "engine/columns/org_fields.h"
#include "engine/journal.h"

enum overwrite { OVERWRITE_ALWAYS, OVERWRITE_IF_BLANK, OVERWRITE_NEVER };
extern const char *const overwrite_words[]; /* NULL-terminated */

struct write_field {
    const struct crm_field *field;
    struct template template;
    enum overwrite rule;
};

/* What one row wants written. */
struct write_intent {
    const char **values; /* checked JSON text for each field; NULL = leave it alone */
    const char *payload, *before;
    const char *target_id; /* 18 characters; NULL for creates */
    const char *key_value; /* business key, normalised; NULL = none */
    int64_t looked_ms;     /* when the org was asked for that key; 0 = it was not */
    struct op last;        /* the cell's newest operation; id 0 = none */
    size_t same_as;        /* index of an earlier row with the same key; own index = none */
    bool wanted;           /* an operation is to be planned */
    char op_key[37];
};

struct write_column {
    struct column_batch *batch;
    struct job_session *on;
    const struct crm_object *object;
    enum op_kind kind;
    struct write_field *fields;
    size_t field_count;
    bool ignore_blank;
    const char *key_field; /* business key; may be several names joined by '+' */
    struct mode mode;
    struct write_intent *intents; /* one for each row of the batch */
};

/* Recipe check of `set`: fields exist and may be written. */
void write_check_fields(struct kind_check *check, const struct crm_object *object,
                        enum op_kind kind);

/* FAIL: the column cannot run at all. *ready = false: the batch was put off. */
enum status write_open(struct write_column *w, struct column_batch *batch, enum op_kind kind,
                       bool *ready, struct err *err);
/* Fills templates and checks values; refused rows get their result. */
enum status write_fill(struct write_column *w, struct err *err);
/* Loads each cell's newest operation; rows with one under way are left to the journal. */
enum status write_history(struct write_column *w, struct err *err);
/* Still to be decided: no result, not left to the journal. */
bool write_undecided(const struct write_column *w, size_t i);
/* Nothing to write: the cell shows the record. */
void write_settled(struct write_column *w, size_t i, const char *id, bool created);
/* Keeps of values what differs from the live record and may be overwritten;
 * false when nothing is left. Fills payload and before. */
bool write_difference(struct write_column *w, size_t i, const struct json *live);
/* The payload of all values, with the seal when there is one. */
void write_payload(struct write_column *w, size_t i);
/* Rows with a key of an earlier row of the batch follow it. */
void write_fold(struct write_column *w);
/* Plans and sends what is wanted. */
enum status write_intents(struct write_column *w, struct err *err);

#endif
