/* seed.h - filling a new org.
 *
 * Call order: org_open, org_add_standard, seed_org. Everything is a function
 * of (which, scale, seed): the same numbers give the same rows and ids. */
#ifndef LOCALORG_SEED_SEED_H
#define LOCALORG_SEED_SEED_H

#include "localorg/org/org.h"

/* The built-in standard objects (src/localorg/org/standard), but those in `without`
 * (names up to a NULL; NULL: all), as editions of Salesforce lack some. An org that
 * has them already, from a database file, is left as it is. */
enum status org_add_standard(struct org *org, const char *const *without, struct err *err);

/* The people a seeded org starts with. Passwords are for localhost only. */
#define SEED_ADMIN_USERNAME    "admin@localorg.example"
#define SEED_SALES_USERNAME    "sales@localorg.example"
#define SEED_STANDARD_USERNAME "standard@localorg.example"
#define SEED_PASSWORD          "localorg1"

/* which:
 *   empty              users, profiles, roles, the Organization row, price book,
 *                      status tables and the standard duplicate rules
 *   developer-edition  the same, and the rows of a new Developer Edition org
 *   demo               the same, and 1,000 * scale Accounts, about 2,000 * scale
 *                      Contacts, 600 * scale Leads, Opportunities, Campaigns
 *                      with members, Tasks; some of them dirty on purpose; plus
 *                      Lead.Lead_Key__c and Lead.Argil_Key__c (unique External IDs) and Account.Domain__c
 *   accounts           the Accounts of the demo alone: a big org quickly
 * scale below 1 counts as 1. */
#define SEED_NAMES "demo, accounts, developer-edition or empty"
enum status seed_org(struct org *org, const char *which, int scale, uint64_t seed, struct err *err);
/* The same name, kept for good; NULL when there is no such seed. */
const char *seed_name(const char *which);

#endif
