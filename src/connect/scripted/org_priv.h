/* org_priv.h - the records behind the script. */
#ifndef ARGIL_CONNECT_SCRIPTED_ORG_PRIV_H
#define ARGIL_CONNECT_SCRIPTED_ORG_PRIV_H

#include "base/map.h"
#include "base/vec.h"
#include "connect/scripted/scripted.h"

struct record {
    char id[19];
    char stamp[40];
    bool deleted, hidden;
    struct map *fields; /* name -> JSON text on the org's arena */
};

struct kind {
    struct crm_object *object;
    VEC(struct record *) records;
};

/* What the script still has to say. */
struct said {
    char *call;            /* of "fail" */
    const struct json *to; /* the entry */
    struct said *next;
};

struct scripted {
    struct arena *arena;
    const char *org_id, *user_id, *environment;
    size_t page;
    struct map *kinds; /* object name -> struct kind */
    struct said *fails, *outcomes;
    struct buf writes;
    size_t write_count;
    uint64_t made;    /* counter behind new ids and stamps */
    int64_t short_by; /* scripted_short */
};

struct kind *org_kind(const struct scripted *org, const char *object);
struct record *kind_find(const struct kind *kind, const char *id);
/* Text of a field: strings unquoted, numbers and booleans as they are; null = no text. */
struct value record_value(const struct record *record, const char *field, struct arena *arena);
/* Applies one write and says what came of it. */
void org_write(struct scripted *org, const struct crm_write *write, struct arena *arena,
               struct crm_outcome *outcome);
/* The next scripted error of a call. True when there was one: *err is set. */
bool org_fails(struct scripted *org, const char *call, struct err *err);

#endif
