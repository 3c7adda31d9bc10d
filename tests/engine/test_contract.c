/* test_contract.c - what a field contract says of a field, and that it survives a sheet.
 * Guards engine/contract.c and contract_csv.c. */
#include "engine/contract.h"

#include "base/str.h"
#include "support/check.h"

#include <string.h>

static struct arena *arena;
static struct err err;
static err_list errors;
static struct contract contract;

static void before(void)
{
    arena = arena_new();
    err_clear(&err);
    memset(&errors, 0, sizeof errors);
}

static void after(void)
{
    vec_free(&errors);
    arena_free(arena);
}

EACH_TEST(before, after)

static void given(const char *text)
{
    CHECK_OK(contract_parse(arena, "c.yaml", text, &contract, &errors, &err), &err);
}

/* "" = it may; else the code of the refusal. */
static const char *may(enum op_kind kind, const char *object, const char *field)
{
    struct err why = {0};
    return contract_may(&contract, kind, object, field, &why) == OK ? ""
                                                                    : arena_strdup(arena, why.code);
}

TEST(contract, denies_what_it_does_not_list)
{
    given("connection: prod\nfields:\n  - { field: Lead.Phone }\n");
    CHECK_STR(may(OP_UPDATE, "lead", "phone"), "");
    CHECK_STR(may(OP_UPDATE, "Lead", "Email"), "contract.denied");
    CHECK_STR(may(OP_CREATE, "Account", "Phone"), "contract.denied");
    CHECK_STR(may(OP_DELETE, "Lead", NULL), "contract.operation");
}

TEST(contract, that_allows_denies_only_what_it_lists_so)
{
    given("connection: prod\ndefault: allow\nfields:\n  - { field: Lead.Phone, rule: never }\n"
          "  - { field: Contact.*, direction: read }\n");
    CHECK_STR(may(OP_UPDATE, "Lead", "Email"), "");
    CHECK_STR(may(OP_UPDATE, "Lead", "Phone"), "contract.denied");
    CHECK_STR(may(OP_UPDATE, "Contact", "Email"), "contract.denied");
    CHECK_STR(may(OP_DELETE, "Lead", NULL), "");
}

TEST(contract, the_most_specific_entry_holds)
{
    given("connection: prod\nfields:\n  - { field: \"*\", rule: if_blank }\n"
          "  - { field: Lead.*, rule: if_ours }\n  - { field: \"*.OwnerId\", rule: set_once }\n"
          "  - { field: Lead.Phone, status: pending }\n");
    static const struct {
        const char *object, *field;
        enum contract_rule rule;
    } rows[] = {{"Account", "Name", RULE_IF_BLANK},
                {"Lead", "Email", RULE_IF_OURS},
                {"Account", "OwnerId", RULE_SET_ONCE},
                {"Lead", "Phone", RULE_ALWAYS}};
    for (size_t i = 0; i < 4; i++)
        CHECK_INT(contract_entry(&contract, rows[i].object, rows[i].field)->rule, rows[i].rule);
    CHECK_STR(may(OP_UPDATE, "Lead", "Phone"), "contract.pending");
}

TEST(contract, operations_are_those_of_the_object)
{
    given("connection: prod\ndefault: allow\nobjects:\n  Lead: [create]\n  Task: [update, delete]\n");
    CHECK_STR(may(OP_CREATE, "Lead", NULL), "");
    CHECK_STR(may(OP_UPDATE, "Lead", "Phone"), "contract.operation");
    CHECK_STR(may(OP_UPSERT, "Lead", NULL), "contract.operation");
    CHECK_STR(may(OP_DELETE, "Task", NULL), "");
    CHECK_STR(may(OP_CREATE, "Task", NULL), "contract.operation");
}

TEST(contract, mistakes_are_all_named_with_their_place)
{
    CHECK_FAIL(contract_parse(arena, "c.yaml",
                              "connection: prod\ndefault: maybe\nfields:\n  - { field: Lead }\n"
                              "  - { field: Lead.Phone, rule: newest }\n"
                              "  - { field: lead.phone }\n  - { field: Lead.Fax, when: x, direction: read }\n"
                              "objects: { Lead: [merge] }\nguards: { g: \"\" }\nmore: 1\n",
                              &contract, &errors, &err),
               &err, ERR_RECIPE);
    static const char *const codes[] = {"contract.unknown_key", "contract.not_allowed",
                                        "contract.no_field",    "contract.twice",
                                        "contract.no_effect",   "contract.wrong_type",
                                        "contract.no_guard"};
    for (size_t c = 0; c < sizeof codes / sizeof *codes; c++) {
        bool found = false;
        for (size_t i = 0; i < errors.len; i++) {
            found = found || err_is(&errors.at[i], codes[c]);
            CHECK(strncmp(errors.at[i].where, "c.yaml:", 7) == 0);
        }
        CHECK_STR(found ? codes[c] : "", codes[c]);
    }
}

TEST(contract, comes_back_from_a_sheet_as_it_was)
{
    const char *csv, *yaml;
    given("connection: prod\ndefault: allow\nobjects: { Lead: [create, update] }\n"
          "guards: { g: \"Name != '\\\"x\\\"'\" }\nfields:\n"
          "  - { field: Lead.Phone, status: pending, rule: if_ours, when: g, ticket: \"=1+1\","
          " sensitivity: personal, note: \"a, b\\nc\" }\n  - { field: \"*\", direction: both }\n");
    csv = contract_csv(arena, &contract);
    CHECK_CONTAINS(csv, "'=1+1"); /* a spreadsheet must not compute it */
    CHECK_OK(contract_from_csv(arena, "c.csv", csv, strlen(csv), &contract, &yaml, &err), &err);
    given(yaml);
    CHECK_STR(contract_csv(arena, &contract), csv);
    CHECK(contract.allow);
    CHECK_STR(contract_guard_of(&contract, "g"), "Name != '\"x\"'");
    CHECK_STR(contract.fields[0].ticket, "=1+1");
    CHECK_STR(contract.fields[0].note, "a, b\nc");
    CHECK_STR(may(OP_DELETE, "Lead", NULL), "contract.operation");
}

TEST(contract, a_sheet_that_is_none_is_refused)
{
    static const char *const sheets[] = {"", "name,rule\nLead.Phone,always\n", "rule\nalways\n",
                                         "field,rule\nLead.Phone\n", "field\n\"open"};
    const char *yaml;
    given("connection: prod\n");
    for (size_t i = 0; i < sizeof sheets / sizeof *sheets; i++)
        CHECK(contract_from_csv(arena, "c.csv", sheets[i], strlen(sheets[i]), &contract, &yaml,
                                &err) == FAIL);
}
