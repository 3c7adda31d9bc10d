/* test_crash.c - the process dies at each step of reliability B.8; the next one
 * ends with one record a row and every operation in one state. */
#include "engine/given.h"

#include "base/str.h"

#include <string.h>

EACH_TEST(given_begin, given_end)

#define ROWS 9
#define SET                                                                                        \
    "\"connection\":\"prod\",\"object\":\"Lead\",\"set\":{\"LastName\":\"{{LastName}}\","          \
    "\"Company\":\"{{Company}}\",\"Email\":\"{{Email}}\"}"
#define SEAL                                                                                       \
    ",{\"name\":\"Argil_Key__c\",\"type\":\"string\",\"length\":80,\"createable\":true,"           \
    "\"filterable\":true,\"unique\":true,\"externalId\":true,\"caseSensitive\":true}"

static const char *const points[] = {"K0", "K2", "K3", "K4", "written", "K9", "K11", "K13", "K14"};
#define POINTS (sizeof points / sizeof *points)

static void given(const char *extra)
{
    struct given_column columns[] = {
        {"Lead", "salesforce_create", "{" SET "}", NULL, TYPE_JSON},
        {"Back", "salesforce_update",
         "{\"connection\":\"prod\",\"object\":\"Lead\",\"id\":\"{{Lead.id}}\","
         "\"set\":{\"Industry\":\"{{Company}}\"}}",
         NULL, TYPE_JSON},
    };
    given_org(extra, ROWS);
    given_table(columns, 2, NULL);
    given_synced();
    setenv("ARGIL_WRITE_BATCH", "4", 1); /* several exchanges to die between */
}

static void next_process(void)
{
    given_reborn();
    world_fake_advance(g.world, 60 * 60 * 1000);
}

static void check_conserved(void)
{
    struct op_counts counts = ops(); /* fails when the sum is not the total */
    CHECK(counts.total >= 0);
}

static void check_settled_once(void)
{
    struct op_counts counts = ops();
    CHECK_INT(leads(), ROWS);
    CHECK_INT(counts.by_state[OP_DONE], counts.total);
    CHECK_INT(counts.total, 2 * ROWS);
    for (int row = 1; row <= ROWS; row++) {
        char email[40];
        snprintf(email, sizeof email, "p%d@x.org", row);
        CHECK_CONTAINS(cell_value("Lead", row), lead_with(email));
        CHECK_CONTAINS(scripted_field(g.org, "Lead", lead_with(email), "Industry"), "Firm");
        CHECK_INT(cell_state("Back", row), CELL_OK);
    }
}

TEST(sealed, dies_anywhere_and_makes_one_record)
{
    for (size_t p = 0; p < POINTS; p++)
        for (int nth = 1; nth <= 6; nth++) {
            given(SEAL);
            die_at(points[p], nth);
            bool died = run() != OK;
            CHECK(died == g.dead);
            next_process();
            check_conserved();
            run_ok();
            check_settled_once();
            given_end();
            given_begin();
        }
}

TEST(sealed, dies_again_and_again)
{
    given(SEAL);
    for (unsigned i = 0; i < 60; i++) {
        die_at(points[i * 7 % POINTS], 1 + (int)(i % 3));
        enum status rc = run();
        CHECK((rc == OK) == !g.dead);
        next_process();
        check_conserved();
        CHECK(leads() <= ROWS);
    }
    run_ok();
    check_settled_once();
}

/* Without a seal a row may end in doubt, but never in two records. */
TEST(findable, dies_anywhere_and_never_makes_two)
{
    for (size_t p = 0; p < POINTS; p++)
        for (int nth = 1; nth <= 4; nth++) {
            given("");
            die_at(points[p], nth);
            bool died = run() != OK;
            CHECK(died == g.dead);
            next_process();
            run_ok();
            struct op_counts counts = ops();
            CHECK(leads() <= ROWS);
            CHECK_INT(counts.by_state[OP_DONE] + counts.by_state[OP_IN_DOUBT], counts.total);
            size_t in_doubt = 0;
            for (int row = 1; row <= ROWS; row++)
                in_doubt += cell_state("Lead", row) == CELL_IN_DOUBT;
            CHECK_INT(leads() + in_doubt, ROWS);
            given_end();
            given_begin();
        }
}

TEST(late, news_of_a_replaced_process_change_nothing)
{
    given(SEAL);
    die_at("K4", 1);
    CHECK(run() != OK);
    struct op zombie = op_of("Lead", 1);
    CHECK_INT(zombie.state, OP_SENDING);
    next_process();
    run_ok();
    const char *id = op_of("Lead", 1).result_id;
    struct op_settle settle = {.id = zombie.id,
                               .epoch = zombie.epoch,
                               .from = OP_SENDING,
                               .to = OP_DONE,
                               .result_id = "00Q000000000666AAA"};
    size_t fenced = 0;
    CHECK_OK(g.store->does->ops_settle(g.store, &settle, 1, NULL, 0, &fenced, &g.err), &g.err);
    CHECK_INT(fenced, 1);
    CHECK_STR(op_of("Lead", 1).result_id, id);
}

TEST(import, dies_at_any_page_and_goes_on)
{
    for (int nth = 1; nth <= 6; nth++) {
        struct given_column column = {"Lead", "salesforce_create", "{" SET "}", NULL, TYPE_JSON};
        given_org("", 40); /* seven a page */
        given_table(&column, 1, NULL);
        die_at("K16", nth);
        CHECK(sync_table(&g.engine, "people", false, &g.sync, &g.err) != OK);
        given_reborn();
        given_synced();
        CHECK(g.sync.complete);
        CHECK_INT(g.sync.rows_now, 40);
        run_ok();
        CHECK_INT(leads(), 40);
        given_end();
        given_begin();
    }
}
