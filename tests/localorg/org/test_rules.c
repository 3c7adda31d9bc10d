/* test_rules.c - duplicate rules, and validation rules with a compiler that
 * takes the condition as SQL (test_rules_soql.c uses the real one). */
#include "fixture.h"

#include "base/str.h"
#include "localorg/soql/soql.h"

#include <string.h>

static struct soql_plan *as_sql(struct arena *to, const struct soql_context *context,
                                const char *text, struct err *err)
{
    struct soql_plan *plan = arena_alloc(to, sizeof *plan);
    if (strstr(text, "nonsense")) {
        err_set(err, "MALFORMED_QUERY", "unexpected token: 'nonsense'");
        return NULL;
    }
    plan->sql = text;
    plan->binds = arena_array(to, 1, sizeof *plan->binds);
    return plan;
}

static void before(void)
{
    given_org();
    org_set_soql(org, as_sql);
}

EACH_TEST(before, org_gone)

#define BY_EMAIL                                                                                   \
    "\"name\":\"Contacts_DR\",\"object\":\"Contact\",\"fields\":[\"Email\"],"                      \
    "\"matching_rule\":\"Contact_MR\",\"message\":\"You're creating a duplicate record.\""

TEST(duplicates, are_blocked_with_what_they_match)
{
    const char *first = given("Contact", "{\"LastName\":\"Lee\",\"Email\":\"a@b.co\"}");
    given_rule("{" BY_EMAIL ",\"action\":\"block\"}");
    struct dml_result *result = inserted("Contact", "{\"LastName\":\"Ray\",\"Email\":\"A@B.CO\"}");
    CHECK_OUTCOME(result, "DUPLICATES_DETECTED: You're creating a duplicate record. []");
    CHECK_STR(result->duplicate_rule, "Contacts_DR");
    CHECK_STR(result->matching_rule, "Contact_MR");
    CHECK_STR(result->match_engine, "ExactMatchEngine");
    CHECK_STR(result->duplicate_entity, "Contact");
    CHECK(!result->duplicate_may_save);
    CHECK_STR(result->matches->id18, first);
    CHECK_STR(result->matches->object, "Contact");
    CHECK(result->matches->record_json == NULL && result->matches->next == NULL);
    options.duplicate_allow_save = true; /* has no effect on a block */
    CHECK(!inserted("Contact", "{\"LastName\":\"Ray\",\"Email\":\"a@b.co\"}")->success);
    given("Contact", "{\"LastName\":\"Ray\",\"Email\":\"other@b.co\"}");
    given("Contact", "{\"LastName\":\"No email\"}");
}

TEST(duplicates, may_be_saved_past_an_alert)
{
    given_rule("{" BY_EMAIL ",\"action\":\"alert\"}");
    given("Contact", "{\"LastName\":\"Lee\",\"Email\":\"a@b.co\"}");
    struct dml_result *result = inserted("Contact", "{\"LastName\":\"Ray\",\"Email\":\"a@b.co\"}");
    CHECK_CONTAINS(outcome(result), "DUPLICATES_DETECTED");
    CHECK(result->duplicate_may_save);
    options.duplicate_allow_save = true;
    given("Contact", "{\"LastName\":\"Ray\",\"Email\":\"a@b.co\"}");
}

TEST(duplicates, show_the_record_when_asked)
{
    given_rule("{" BY_EMAIL "}");
    const char *first = given("Contact", "{\"LastName\":\"Lee\",\"Email\":\"a@b.co\"}");
    options.duplicate_record_details = true;
    struct dml_result *result = inserted("Contact", "{\"LastName\":\"Ray\",\"Email\":\"a@b.co\"}");
    CHECK_STR(result->matches->record_json,
              arena_printf(arena,
                           "{\"attributes\":{\"type\":\"Contact\",\"url\":\"/services/data/v66.0/"
                           "sobjects/Contact/%s\"},\"Id\":\"%s\",\"Name\":\"Lee\","
                           "\"Email\":\"a@b.co\"}",
                           first, first));
}

TEST(duplicates, need_every_field_and_a_record_from_before)
{
    given_rule("{\"name\":\"R\",\"object\":\"Lead\",\"fields\":[\"LastName\",\"Company\"]}");
    struct dml_result *results =
        insert_all("Lead", "[{\"LastName\":\"Lee\",\"Company\":\"Acme\"},{\"LastName\":\"Lee\","
                           "\"Company\":\"Acme\"},{\"LastName\":\"Lee\",\"Company\":\"Bcme\"}]");
    CHECK(results[0].success && results[1].success && results[2].success);
    CHECK_OUTCOME(inserted("Lead", "{\"LastName\":\"lee\",\"Company\":\"ACME\"}"),
                  "DUPLICATES_DETECTED: Use one of these records? []");
    given("Lead", "{\"LastName\":\"Lee\",\"Company\":\"Ccme\"}");
}

TEST(duplicates, ignore_the_bin_the_record_itself_and_untouched_fields)
{
    given_rule("{" BY_EMAIL "}");
    const char *one = given("Contact", "{\"LastName\":\"Lee\",\"Email\":\"a@b.co\"}");
    CHECK_OUTCOME(updated("Contact", one, "{\"Email\":\"a@b.co\",\"Title\":\"x\"}"), "done");
    CHECK_OUTCOME(deleted("Contact", one), "done");
    const char *two = given("Contact", "{\"LastName\":\"Ray\",\"Email\":\"a@b.co\"}");
    options.system = true; /* a load is not asked */
    const char *three = given("Contact", "{\"LastName\":\"May\",\"Email\":\"a@b.co\"}");
    options.system = false;
    CHECK_OUTCOME(updated("Contact", three, "{\"Title\":\"y\"}"), "done");
    struct dml_result *result = updated("Contact", three, "{\"Email\":\"A@b.co\"}");
    CHECK_CONTAINS(outcome(result), "DUPLICATES_DETECTED");
    CHECK_STR(result->matches->id18, two);
}

TEST(duplicates, cross_objects_when_told)
{
    given("Contact", "{\"LastName\":\"Lee\",\"Email\":\"a@b.co\"}");
    given_rule("{\"name\":\"Leads_vs_Contacts\",\"object\":\"Lead\",\"fields\":[\"Email\"],"
               "\"match_object\":\"Contact\"}");
    struct dml_result *result =
        inserted("Lead", "{\"LastName\":\"L\",\"Company\":\"C\",\"Email\":\"a@b.co\"}");
    CHECK_CONTAINS(outcome(result), "DUPLICATES_DETECTED");
    CHECK_STR(result->matches->object, "Contact");
    CHECK_STR(result->duplicate_entity, "Lead");
}

TEST(duplicates, can_be_switched_off_and_dropped)
{
    struct err err = {0};
    given("Contact", "{\"LastName\":\"Lee\",\"Email\":\"a@b.co\"}");
    given_rule("{" BY_EMAIL "}");
    given_rule("{" BY_EMAIL ",\"active\":false}");
    given("Contact", "{\"LastName\":\"Ray\",\"Email\":\"a@b.co\"}");
    given_rule("{" BY_EMAIL "}");
    CHECK(!inserted("Contact", "{\"LastName\":\"Ray\",\"Email\":\"a@b.co\"}")->success);
    CHECK_OK(org_drop_rule(org, "contacts_dr", &err), &err);
    given("Contact", "{\"LastName\":\"Ray\",\"Email\":\"a@b.co\"}");
    CHECK_FAIL(org_drop_rule(org, "contacts_dr", &err), &err, ERR_NOT_FOUND);
}

TEST(validation, judges_the_record_as_it_will_be)
{
    given_rule("{\"name\":\"No_Foo\",\"object\":\"Account\",\"when\":\"Name LIKE 'foo%' AND "
               "Phone IS NULL\",\"message\":\"Foos need a phone.\",\"field\":\"Phone\"}");
    CHECK_OUTCOME(inserted("Account", "{\"Name\":\"Foo one\"}"),
                  "FIELD_CUSTOM_VALIDATION_EXCEPTION: Foos need a phone. [Phone]");
    CHECK_INT(counted("SELECT COUNT(*) FROM Account"), 0);
    const char *id = given("Account", "{\"Name\":\"Foo one\",\"Phone\":\"1\"}");
    CHECK_OUTCOME(updated("Account", id, "{\"Phone\":null}"),
                  "FIELD_CUSTOM_VALIDATION_EXCEPTION: Foos need a phone. [Phone]");
    CHECK_STR(stored("Account", id, "Phone"), "1");
    CHECK_OUTCOME(updated("Account", id, "{\"Phone\":null,\"Name\":\"Bar\"}"), "done");
}

TEST(validation, tells_every_rule_that_is_broken)
{
    given_rule(
        "{\"name\":\"A\",\"object\":\"Account\",\"when\":\"Phone IS NULL\",\"message\":\"one\"}");
    given_rule("{\"name\":\"B\",\"object\":\"Account\",\"when\":\"Website IS NULL\","
               "\"message\":\"two\",\"field\":\"Website\"}");
    CHECK_OUTCOME(inserted("Account", "{\"Name\":\"A\"}"),
                  "FIELD_CUSTOM_VALIDATION_EXCEPTION: one [] / "
                  "FIELD_CUSTOM_VALIDATION_EXCEPTION: two [Website]");
    struct dml_result *results = insert_all(
        "Account", "[{\"Name\":\"A\"},{\"Name\":\"B\",\"Phone\":\"1\",\"Website\":\"w\"}]");
    CHECK(!results[0].success && results[1].success);
    CHECK_INT(counted("SELECT COUNT(*) FROM Account"), 1);
}

TEST(rules, are_listed_as_they_came)
{
    given_rule("{\"name\":\"B\",\"object\":\"Lead\",\"fields\":[\"Email\"],\"extra\":1}");
    given_rule("{\"name\":\"A\",\"object\":\"Lead\",\"fields\":[\"Phone\"]}");
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    org_rules_json(org, &w);
    CHECK_STR(buf_text(&text), "[{\"name\":\"A\",\"object\":\"Lead\",\"fields\":[\"Phone\"]},"
                               "{\"name\":\"B\",\"object\":\"Lead\",\"fields\":[\"Email\"],"
                               "\"extra\":1}]");
    buf_free(&text);
}

TEST(rules, duplicate_rules_are_objects_too)
{
    given_rule(
        "{\"name\":\"Contacts_DR\",\"object\":\"Contact\",\"fields\":[\"Email\",\"LastName\"],"
        "\"matching_rule\":\"Contact_MR\",\"match_engine\":\"FuzzyMatchEngine\"}");
    CHECK_INT(counted("SELECT COUNT(*) FROM DuplicateRule WHERE Id LIKE '0Bm%' AND DeveloperName ="
                      " 'Contacts_DR' AND SobjectType = 'Contact' AND IsActive = 1"),
              1);
    CHECK_INT(counted("SELECT COUNT(*) FROM MatchingRuleItem i JOIN MatchingRule r ON r.Id ="
                      " i.MatchingRuleId WHERE r.DeveloperName = 'Contact_MR' AND r.MatchEngine ="
                      " 'FuzzyMatchEngine' AND r.RuleStatus = 'Active'"),
              2);
    given_rule("{\"name\":\"Contacts_DR\",\"object\":\"Contact\",\"fields\":[\"Email\"],"
               "\"matching_rule\":\"Contact_MR\",\"active\":false}");
    CHECK_INT(counted("SELECT COUNT(*) FROM DuplicateRule WHERE IsActive = 0"), 1);
    CHECK_INT(counted("SELECT COUNT(*) FROM DuplicateRule"), 1);
    CHECK_INT(
        counted("SELECT COUNT(*) FROM MatchingRuleItem WHERE Field = 'Email' AND SortOrder = 1"
                " AND MatchingMethod = 'Exact'"),
        1);
    CHECK_INT(counted("SELECT COUNT(*) FROM MatchingRuleItem"), 1);
    struct err err = {{0}};
    given_rule("{\"name\":\"contacts_dr\",\"object\":\"Contact\",\"fields\":[\"Email\"]}");
    CHECK_INT(counted("SELECT COUNT(*) FROM DuplicateRule"), 1);
    CHECK_OK(org_drop_rule(org, "CONTACTS_DR", &err), &err);
    CHECK_INT(counted("SELECT COUNT(*) FROM DuplicateRule"), 0);
    CHECK_INT(counted("SELECT COUNT(*) FROM MatchingRule"), 2);
}

TEST(rules, refuse_what_they_cannot_mean)
{
    struct err err = {0};
    CHECK_FAIL(org_put_rule(org, parsed("{\"object\":\"Account\",\"fields\":[\"Name\"]}"), &err),
               &err, ERR_INVALID);
    CHECK_FAIL(org_put_rule(org, parsed("{\"name\":\"R\",\"object\":\"Nope\"}"), &err), &err,
               ERR_NOT_FOUND);
    CHECK_FAIL(
        org_put_rule(org, parsed("{\"name\":\"R\",\"object\":\"Lead\",\"fields\":[\"No\"]}"), &err),
        &err, ERR_INVALID);
    CHECK_FAIL(org_put_rule(
                   org, parsed("{\"name\":\"R\",\"object\":\"Lead\",\"when\":\"nonsense\"}"), &err),
               &err, "MALFORMED_QUERY");
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    org_rules_json(org, &w);
    CHECK_STR(buf_text(&text), "[]");
    buf_free(&text);
}
