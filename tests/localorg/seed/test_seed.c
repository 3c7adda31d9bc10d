/* test_seed.c - what a seeded org holds, and that the same seed gives it again. */
#include "base/json.h"
#include "base/world.h"
#include "localorg/seed/enrich.h"
#include "localorg/seed/seed.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

#define NOW 1795478400000ll /* 2026-11-24 */

static struct world *world;
static struct org *org;
static struct err err;

static struct org *given_org(const char *which, int scale, uint64_t seed)
{
    err_clear(&err);
    world = world_fake(NOW, 1);
    struct org_options options = {.world = world, .seed = seed};
    org = org_open(&options, &err);
    CHECK_GOT(org, &err);
    CHECK_OK(org_add_standard(org, NULL, &err), &err);
    CHECK_OK(seed_org(org, which, scale, seed, &err), &err);
    return org;
}

static void close_org(void)
{
    org_close(org);
    org = NULL;
    free(world);
    world = NULL;
}

static int64_t number(const char *sql)
{
    sqlite3 *db = org_reader_take(org);
    sqlite3_stmt *get = NULL;
    int64_t value = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &get, NULL) != SQLITE_OK)
        printf("%s\n", sqlite3_errmsg(db));
    else if (sqlite3_step(get) == SQLITE_ROW)
        value = sqlite3_column_int64(get, 0);
    sqlite3_finalize(get);
    org_reader_give(org, db);
    return value;
}

static void text_of(const char *sql, char *out, size_t size)
{
    sqlite3 *db = org_reader_take(org);
    sqlite3_stmt *get = NULL;
    *out = '\0';
    if (sqlite3_prepare_v2(db, sql, -1, &get, NULL) == SQLITE_OK && sqlite3_step(get) == SQLITE_ROW)
        snprintf(out, size, "%s", (const char *)sqlite3_column_text(get, 0));
    sqlite3_finalize(get);
    org_reader_give(org, db);
}

TEST(seed, empty_org_has_people_and_its_own_row)
{
    given_org("empty", 1, 7);
    struct org_user user;
    CHECK(org_user_by_name(org, SEED_ADMIN_USERNAME, &user));
    CHECK(user.system_administrator && user.active);
    CHECK(org_user_by_name(org, SEED_SALES_USERNAME, &user));
    CHECK(!user.system_administrator);
    CHECK(org_user_check_password(org, SEED_SALES_USERNAME, SEED_PASSWORD));
    CHECK_INT(number("SELECT count(*) FROM User"), 3);
    CHECK_INT(number("SELECT count(*) FROM Account"), 0);
    char id[32];
    text_of("SELECT Id FROM Organization", id, sizeof id);
    CHECK_STR(id, org_id18(org));
    CHECK_INT(number("SELECT count(*) FROM OpportunityStage WHERE IsWon"), 1);
    CHECK_INT(number("SELECT count(*) FROM LeadStatus"), 4);
    close_org();
}

TEST(seed, demo_has_the_promised_numbers)
{
    given_org("demo", 1, 7);
    CHECK_INT(number("SELECT count(*) FROM Account"), 1000);
    CHECK_INT(number("SELECT count(*) FROM Lead"), 600);
    int64_t contacts = number("SELECT count(*) FROM Contact");
    CHECK(contacts > 1700 && contacts < 2300);
    CHECK(number("SELECT count(*) FROM Opportunity") > 400);
    CHECK(number("SELECT count(*) FROM Task") > 500);
    CHECK(number("SELECT count(*) FROM CampaignMember") > 300);
    CHECK_INT(number("SELECT count(*) FROM CampaignMember WHERE Name IS NULL"), 0);
    CHECK_INT(number("SELECT sum(NumberOfLeads + NumberOfContacts) FROM Campaign"),
              number("SELECT count(*) FROM CampaignMember"));
    CHECK(sobject_field(schema_find(org_schema(org), "Lead"), "Lead_Key__c")->unique);
    CHECK(sobject_field(schema_find(org_schema(org), "Account"), "Domain__c") != NULL);
    close_org();
}

TEST(seed, demo_is_dirty_the_way_orgs_are)
{
    given_org("demo", 1, 7);
    CHECK(number("SELECT count(*) FROM Account WHERE Website IS NULL") > 100);
    CHECK(number("SELECT count(*) FROM Account WHERE Industry IS NULL") > 250);
    CHECK(number("SELECT count(*) FROM Account WHERE Website NOT LIKE 'http%'") > 100);
    CHECK(number("SELECT count(*) FROM Account WHERE Website LIKE '%  '") > 5);
    CHECK(number("SELECT count(*) FROM Account WHERE Phone IN ('n/a', 'tbd', '0')") > 3);
    CHECK(number("SELECT count(*) FROM Contact WHERE LastName LIKE 'O''%'") > 10);
    CHECK(number("SELECT count(*) FROM Contact WHERE LastName = 'Müller'") > 3);
    CHECK(number("SELECT count(*) FROM Lead WHERE Email IN (SELECT Email FROM Contact)") > 10);
    CHECK_INT(number("SELECT count(*) FROM Account WHERE trim(Website) NOT LIKE '%.example%'"), 0);
    CHECK_INT(number("SELECT count(*) FROM Contact WHERE Email NOT LIKE '%.example'"), 0);
    close_org();
}

TEST(seed, records_belong_together)
{
    given_org("demo", 1, 7);
    CHECK_INT(
        number("SELECT count(*) FROM Contact WHERE AccountId NOT IN (SELECT Id FROM Account)"), 0);
    CHECK_INT(number("SELECT count(*) FROM Account WHERE OwnerId NOT IN (SELECT Id FROM User)"), 0);
    CHECK_INT(number("SELECT count(*) FROM Account WHERE SystemModstamp < CreatedDate"), 0);
    CHECK_INT(number("SELECT count(*) FROM Account WHERE SystemModstamp > 1795478400000"), 0);
    CHECK_INT(number("SELECT count(*) FROM Opportunity o JOIN OpportunityStage s ON s.ApiName ="
                     " o.StageName WHERE o.IsClosed <> s.IsClosed OR o.Probability <>"
                     " s.DefaultProbability"),
              0);
    CHECK_INT(number("SELECT count(*) FROM (SELECT Name FROM Account GROUP BY Name COLLATE BINARY"
                     " HAVING count(*) > 3)"),
              0);
    close_org();
}

TEST(seed, developer_edition_has_the_classic_rows)
{
    given_org("developer-edition", 1, 7);
    CHECK_INT(number("SELECT count(*) FROM Account"), 12);
    CHECK_INT(number("SELECT count(*) FROM Contact"), 20);
    CHECK_INT(number("SELECT count(*) FROM Opportunity"), 31);
    CHECK_INT(number("SELECT count(*) FROM Lead"), 22);
    CHECK_INT(number("SELECT count(*) FROM \"Case\" WHERE CaseNumber IS NOT NULL"), 26);
    CHECK_INT(number("SELECT count(*) FROM Contact c JOIN Account a ON a.Id = c.AccountId WHERE"
                     " a.Name = 'GenePoint' AND c.Email = 'efrank@genepoint.com'"),
              1);
    CHECK_INT(
        number("SELECT count(*) FROM Opportunity WHERE StageName = 'Closed Won' AND NOT IsWon"), 0);
    CHECK_INT(number("SELECT count(*) FROM Account WHERE Description IS NOT NULL"), 0);
    close_org();
}

TEST(seed, same_seed_same_org)
{
    char first[64], second[64], other[64];
    const char *sql = "SELECT group_concat(Id || Name, '') FROM (SELECT * FROM Account WHERE"
                      " Website IS NOT NULL ORDER BY Id LIMIT 2)";
    given_org("demo", 1, 7);
    text_of(sql, first, sizeof first);
    close_org();
    given_org("demo", 2, 7);
    text_of(sql, second, sizeof second);
    CHECK_INT(number("SELECT count(*) FROM Account"), 2000);
    close_org();
    given_org("demo", 1, 8);
    text_of(sql, other, sizeof other);
    close_org();
    CHECK_STR(second, first);
    CHECK(strcmp(other, first) != 0);
}

TEST(seed, accounts_alone_are_the_demos)
{
    char alone[64], demo[64];
    const char *sql = "SELECT Id || Name || ifnull(Website, '') FROM Account ORDER BY Id LIMIT 1"
                      " OFFSET 700";
    given_org("accounts", 1, 7);
    text_of(sql, alone, sizeof alone);
    CHECK_INT(number("SELECT count(*) FROM Account"), 1000);
    CHECK_INT(number("SELECT count(*) FROM Contact"), 0);
    close_org();
    given_org("demo", 1, 7);
    text_of(sql, demo, sizeof demo);
    CHECK_STR(alone, demo);
    close_org();
}

TEST(seed, many_rows_bring_their_indexes_back)
{
    given_org("empty", 1, 7);
    int64_t indexes =
        number("SELECT count(*) FROM sqlite_master WHERE type = 'index' AND tbl_name IN"
               " ('Account', 'Contact', 'Task') AND sql IS NOT NULL");
    close_org();
    given_org("demo", 6, 7);
    CHECK_INT(number("SELECT count(*) FROM Account"), 6000);
    CHECK_INT(number("SELECT count(*) FROM sqlite_master WHERE type = 'index' AND tbl_name IN"
                     " ('Account', 'Contact', 'Task') AND sql IS NOT NULL"),
              indexes);
    close_org();
}

TEST(seed, an_unknown_seed_is_refused)
{
    given_org("empty", 1, 7);
    CHECK_FAIL(seed_org(org, "huge", 1, 7, &err), &err, ERR_INVALID);
    close_org();
}

/* --- the enrichment service --- */

TEST(enrich, same_domain_same_facts)
{
    struct buf one = BUF_INIT, two = BUF_INIT;
    CHECK(enrich_company("alderfieldrobotics.example", &one));
    CHECK(enrich_company("WWW.AlderfieldRobotics.example", &two));
    CHECK_STR(buf_text(&one), buf_text(&two));
    CHECK_CONTAINS(buf_text(&one), "\"industry\"");
    CHECK(!enrich_company("not a domain", &one));
    CHECK(!enrich_company(NULL, &one));
    CHECK_STR(buf_text(&one), buf_text(&two));
    buf_free(&one);
    buf_free(&two);
}

TEST(enrich, an_eighth_is_unknown_and_a_few_are_unusable)
{
    struct arena *arena = arena_new();
    int unknown = 0, odd = 0, too_long = 0;
    for (int i = 0; i < 2000; i++) {
        char domain[40];
        snprintf(domain, sizeof domain, "company%d.example", i);
        struct buf json = BUF_INIT;
        if (!enrich_company(domain, &json)) {
            unknown++;
            continue;
        }
        const struct json *facts = json_parse(arena, buf_text(&json), json.len, &err);
        CHECK_GOT(facts, &err);
        const char *industry = json_get_text(facts, "industry");
        odd += strstr("Widgets & Gadgets|Quantum Gardening|Misc / tbd", industry) != NULL;
        too_long += json_get(facts, "description")->len > 32000;
        buf_free(&json);
    }
    CHECK(unknown > 180 && unknown < 300);
    CHECK(odd > 20 && odd < 90);
    CHECK(too_long > 8 && too_long < 60);
    arena_free(arena);
}

TEST(seed, the_demo_has_reports)
{
    given_org("demo", 1, 1);
    CHECK_INT(number("SELECT COUNT(*) FROM \"Report\""), 5);
    CHECK_INT(number("SELECT COUNT(*) FROM localorg_document WHERE kind = 'report'"), 5);
    close_org();
}
