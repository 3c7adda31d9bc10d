/* seed_priv.h - what the files that fill an org share. */
#ifndef LOCALORG_SEED_SEED_PRIV_H
#define LOCALORG_SEED_SEED_PRIV_H

#include "localorg/seed/seed.h"

enum { PERSON_ADMIN, PERSON_SALES, PERSON_STANDARD, PERSON_COUNT };

/* One seeding, inside one org_write_begin / org_write_end. */
struct seeding {
    struct org *org;
    sqlite3 *db;
    int scale;
    uint64_t seed;
    int64_t now_ms;
    char people[PERSON_COUNT][19]; /* user ids; set by seed_base */
};

/* base.c: licences, profiles, roles, users, the Organization row, status
 * tables, the standard price book, list views, and the duplicate rules. */
enum status seed_base(struct seeding *seeding, struct err *err);
enum status seed_rules(struct org *org, struct err *err);

/* demo.c */
enum status seed_demo_fields(struct org *org, struct err *err); /* before the transaction */
enum status seed_demo(struct seeding *seeding, struct err *err);
enum status seed_accounts(struct seeding *seeding, struct err *err); /* its Accounts alone */

/* reports.c: the demo's */
enum status seed_reports(struct seeding *seeding, struct err *err);

/* developer.c */
enum status seed_developer_fields(struct org *org, struct err *err);
enum status seed_developer(struct seeding *seeding, struct err *err);

/* All values of one stage, as OpportunityStage has them. NULL when unknown. */
struct stage {
    const char *name, *forecast, *forecast_name;
    int probability;
    bool closed, won;
};
extern const struct stage stages[];
extern const size_t stage_count;
const struct stage *stage_find(const char *name);

#endif
