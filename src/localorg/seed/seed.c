/* seed.c - which org to make, and the order in which it is made.
 *
 * Schema and rules first (they take the write lock themselves), then all rows
 * in one transaction: an org is seeded whole or not at all. */
#include "localorg/seed/seed_priv.h"

#include "base/log.h"
#include "base/str.h"
#include "localorg/org/standard.h"

#include <stdio.h>
#include <string.h>

/* --- standard objects --- */

struct adding {
    struct org *org;
    const char *const *without;
};

static bool is_missing(void *ctx, const char *object)
{
    const struct adding *adding = ctx;
    for (const char *const *name = adding->without; name && *name; name++)
        if (text_eq(*name, object))
            return false;
    return !schema_find(org_schema(adding->org), object);
}

static enum status add(void *ctx, const struct json *describe, struct err *err)
{
    const struct adding *adding = ctx;
    return org_add_describe(adding->org, describe, err);
}

enum status org_add_standard(struct org *org, const char *const *without, struct err *err)
{
    struct adding adding = {org, without};
    if (!org_write_begin(org))
        return err_set(err, ERR_IO, "cannot write to the org");
    enum status rc = standard_each(is_missing, add, &adding, err);
    enum status ended = org_write_end(org, rc == OK, rc == OK ? err : NULL);
    if (rc != OK || ended != OK)
        return err_wrap(err, "adding the standard objects");
    return OK;
}

/* --- seeds --- */

struct kind {
    const char *name;
    enum status (*fields)(struct org *org, struct err *err);
    enum status (*rows)(struct seeding *seeding, struct err *err);
};

static const struct kind kinds[] = {
    {"empty", NULL, NULL},
    {"developer-edition", seed_developer_fields, seed_developer},
    {"demo", seed_demo_fields, seed_demo},
    {"accounts", seed_demo_fields, seed_accounts},
};

static const struct kind *kind_of(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (text_eq(kinds[i].name, name))
            return &kinds[i];
    return NULL;
}

const char *seed_name(const char *which)
{
    const struct kind *kind = kind_of(which);
    return kind ? kind->name : NULL;
}

static bool already_seeded(struct org *org)
{
    return org_user_by_name(org, SEED_ADMIN_USERNAME, NULL);
}

static enum status seed_rows(struct seeding *s, const struct kind *kind, struct err *err)
{
    org_filling(s->org, true);
    s->db = org_write_begin(s->org);
    if (!s->db) {
        org_filling(s->org, false);
        return err_set(err, ERR_IO, "cannot write to the org");
    }
    enum status rc = seed_base(s, err);
    if (rc == OK && kind->rows)
        rc = kind->rows(s, err);
    if (rc == OK && kind->rows == seed_demo)
        rc = seed_reports(s, err);
    enum status ended = org_write_end(s->org, rc == OK, rc == OK ? err : NULL);
    org_filling(s->org, false);
    return rc == OK ? ended : rc;
}

enum status seed_org(struct org *org, const char *which, int scale, uint64_t seed, struct err *err)
{
    const struct kind *kind = kind_of(which);
    if (!kind)
        return err_set(err, ERR_INVALID, "no seed named %s: " SEED_NAMES, which ? which : "");
    if (already_seeded(org))
        return OK; /* a database file of an earlier run */
    struct seeding s = {
        .org = org, .scale = scale < 1 ? 1 : scale, .seed = seed, .now_ms = org_now_ms(org)};
    enum status rc = kind->fields ? kind->fields(org, err) : OK;
    if (rc == OK)
        rc = seed_rows(&s, kind, err);
    if (rc == OK)
        rc = seed_rules(org, err);
    return rc == OK ? OK : err_wrap(err, "seeding the org");
}
