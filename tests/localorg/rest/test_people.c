/* test_people.c - who may do what: profiles, permission sets, roles, sharing,
 * seen through REST by people who are no administrators. */
#include "localorg/rest/fixture.h"

#include "base/str.h"
#include "base/uri.h"
#include "base/when.h"
#include "localorg/seed/seed.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

EACH_REST_TEST

#define V "/services/data/v66.0"

static const char *token_of(const char *username)
{
    struct reply reply = ask("POST", "/localorg/token", text_f("{\"username\":\"%s\"}", username));
    CHECK_INT(reply.status, 200);
    return text_f("Bearer %s", json_get_text(reply.json, "access_token"));
}

static struct reply as(const char *username, const char *method, const char *path, const char *body)
{
    return ask_as(token_of(username), method, path, body, NULL, NULL);
}

static const char *encoded(const char *soql)
{
    struct arena *arena = arena_new();
    const char *text = text_f("%s", uri_encoded(arena, soql));
    arena_free(arena);
    return text;
}

static struct reply query_as(const char *username, const char *soql)
{
    return as(username, "GET", text_f(V "/query?q=%s", encoded(soql)), NULL);
}

static int64_t total_as(const char *username, const char *soql)
{
    struct reply reply = query_as(username, soql);
    CHECK_INT(reply.status, 200);
    return json_get_int(reply.json, "totalSize", -1);
}

static void given_user(const char *username, const char *profile)
{
    struct reply reply = ask("POST", "/localorg/users",
                             text_f("{\"username\":\"%s\",\"profile\":\"%s\"}", username, profile));
    CHECK_INT(reply.status, 200);
}

static const char *user_id(const char *username)
{
    return soql_one(text_f("SELECT Id FROM User WHERE Username = '%s'", username), "Id");
}

static void given_sharing(const char *json)
{
    struct reply reply = ask("POST", "/localorg/sharing", json);
    CHECK_STR(reply.status == 200 ? "" : reply.text, "");
}

/* A permission set in the hands of this user. */
static const char *given_set(const char *name, const char *username, const char *members)
{
    const char *set =
        given("PermissionSet", text_f("{\"Name\":\"%s\",\"Label\":\"%s\"%s}", name, name, members));
    given("PermissionSetAssignment",
          text_f("{\"PermissionSetId\":\"%s\",\"AssigneeId\":\"%s\"}", set, user_id(username)));
    return set;
}

static bool describes(const char *username, const char *object, const char *field)
{
    struct reply reply = as(username, "GET", text_f(V "/sobjects/%s/describe", object), NULL);
    json_each(one, json_get(reply.json, "fields"))
        if (text_eq(json_get_text(one, "name"), field))
            return true;
    return false;
}

#define NOBODY "nobody@localorg.example"

TEST(people, a_minimum_profile_sees_nothing_until_a_permission_set_shows_it)
{
    given("Account", "{\"Name\":\"Acme\",\"Phone\":\"1\",\"Website\":\"acme.example\"}");
    given_user(NOBODY, "Minimum Access - Salesforce");
    struct reply reply = query_as(NOBODY, "SELECT Id FROM Account");
    CHECK_INT(reply.status, 403); /* API Enabled is missing, too */
    CHECK_STR(error_code(&reply), "API_CURRENTLY_DISABLED");
    const char *set = given_set("Reader", NOBODY, ",\"PermissionsApiEnabled\":true");
    reply = query_as(NOBODY, "SELECT Id FROM Account");
    CHECK_INT(reply.status, 400);
    CHECK_STR(error_code(&reply), "INVALID_TYPE");
    given("ObjectPermissions", text_f("{\"ParentId\":\"%s\",\"SobjectType\":\"Account\","
                                      "\"PermissionsRead\":true}",
                                      set));
    CHECK_INT(total_as(NOBODY, "SELECT Id, Name FROM Account"), 1);
    reply = query_as(NOBODY, "SELECT Phone FROM Account");
    CHECK_STR(error_code(&reply), "INVALID_FIELD");
    given("FieldPermissions", text_f("{\"ParentId\":\"%s\",\"SobjectType\":\"Account\","
                                     "\"Field\":\"Account.Phone\",\"PermissionsRead\":true}",
                                     set));
    CHECK_INT(total_as(NOBODY, "SELECT Phone FROM Account"), 1);
    CHECK(describes(NOBODY, "Account", "Phone"));
    CHECK(!describes(NOBODY, "Account", "Website"));
    reply = as(NOBODY, "POST", V "/sobjects/Account", "{\"Name\":\"New\"}");
    CHECK_STR(error_code(&reply), "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY");
}

TEST(people, reading_is_not_writing)
{
    const char *account = given("Account", "{\"Name\":\"Acme\"}");
    given_user(NOBODY, "Minimum Access - Salesforce");
    const char *set = given_set("Writer", NOBODY, ",\"PermissionsApiEnabled\":true");
    const char *row =
        given("ObjectPermissions", text_f("{\"ParentId\":\"%s\",\"SobjectType\":\"Account\","
                                          "\"PermissionsRead\":true}",
                                          set));
    given("FieldPermissions", text_f("{\"ParentId\":\"%s\",\"SobjectType\":\"Account\","
                                     "\"Field\":\"Account.Phone\",\"PermissionsRead\":true}",
                                     set));
    const char *path = text_f(V "/sobjects/Account/%s", account);
    struct reply reply = as(NOBODY, "PATCH", path, "{\"Name\":\"x\"}");
    CHECK_INT(reply.status, 403);
    CHECK_STR(error_code(&reply), "INSUFFICIENT_ACCESS_OR_READONLY");
    CHECK_CONTAINS(reply.text, "insufficient access rights on object id");
    reply =
        ask("PATCH", text_f(V "/sobjects/ObjectPermissions/%s", row), "{\"PermissionsEdit\":true}");
    CHECK_INT(reply.status, 204);
    reply = as(NOBODY, "PATCH", path, "{\"Phone\":\"2\"}");
    CHECK_STR(error_code(&reply), "INVALID_FIELD_FOR_INSERT_UPDATE");
    CHECK_CONTAINS(reply.text, "Unable to create/update fields: Phone.");
    reply = as(NOBODY, "PATCH", path, "{\"Name\":\"Acme 2\"}");
    CHECK_INT(reply.status, 204);
    reply = as(NOBODY, "DELETE", path, NULL);
    CHECK_STR(error_code(&reply), "INSUFFICIENT_ACCESS_OR_READONLY");
}

TEST(people, what_a_profile_grants_are_rows_that_can_be_changed)
{
    given("Account", "{\"Name\":\"Acme\",\"Phone\":\"1\"}");
    CHECK(describes(SEED_SALES_USERNAME, "Account", "Phone"));
    const char *row = soql_one("SELECT Id FROM FieldPermissions WHERE Field = 'Account.Phone' AND "
                               "Parent.Profile.Name = 'Sales User'",
                               "Id");
    CHECK_INT(strlen(row), 18);
    CHECK(describes(SEED_SALES_USERNAME, "Account", "Phone"));
    struct reply reply = ask("PATCH", text_f(V "/sobjects/FieldPermissions/%s", row),
                             "{\"PermissionsEdit\":false,\"PermissionsRead\":false}");
    CHECK_INT(reply.status, 204);
    CHECK(!describes(SEED_SALES_USERNAME, "Account", "Phone"));
    CHECK(describes(SEED_STANDARD_USERNAME, "Account", "Phone"));
    reply = query_as(SEED_SALES_USERNAME, "SELECT Phone FROM Account");
    CHECK_STR(error_code(&reply), "INVALID_FIELD");
    row = soql_one("SELECT Id FROM ObjectPermissions WHERE SobjectType = 'Lead' AND "
                   "Parent.Profile.Name = 'Sales User'",
                   "Id");
    reply = ask("DELETE", text_f(V "/sobjects/ObjectPermissions/%s", row), NULL);
    CHECK_INT(reply.status, 204);
    reply = as(SEED_SALES_USERNAME, "GET", V "/sobjects/Lead/describe", NULL);
    CHECK_INT(reply.status, 404);
    /* a field that comes later is there for whom the profile lets see */
    reply = ask("POST", "/localorg/schema",
                "{\"object\":\"Account\",\"fields\":[{\"name\":\"Late__c\",\"type\":\"string\","
                "\"length\":10}]}");
    CHECK_INT(reply.status, 200);
    CHECK(describes(SEED_SALES_USERNAME, "Account", "Late__c"));
    CHECK_INT(soql_count("FieldPermissions WHERE Field = 'Account.Late__c' AND Parent.Profile.Name "
                         "= 'Sales User'"),
              1);
}

TEST(people, permission_rows_are_checked_as_setup_checks_them)
{
    const char *set = given("PermissionSet", "{\"Name\":\"S\",\"Label\":\"S\"}");
    static const char *const bad[][3] = {
        {"ObjectPermissions", "\"SobjectType\":\"Account\",\"PermissionsEdit\":true",
         "FIELD_INTEGRITY_EXCEPTION"},
        {"ObjectPermissions", "\"SobjectType\":\"User\",\"PermissionsRead\":true",
         "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"},
        {"FieldPermissions",
         "\"SobjectType\":\"Account\",\"Field\":\"Account.Name\",\"PermissionsRead\":true",
         "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"},
        {"FieldPermissions",
         "\"SobjectType\":\"Account\",\"Field\":\"Account.Phone\",\"PermissionsEdit\":true",
         "FIELD_INTEGRITY_EXCEPTION"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct reply reply = ask("POST", text_f(V "/sobjects/%s", bad[i][0]),
                                 text_f("{\"ParentId\":\"%s\",%s}", set, bad[i][1]));
        CHECK_INT(reply.status, 400);
        CHECK_STR(error_code(&reply), bad[i][2]);
    }
    const char *twice = text_f("{\"PermissionSetId\":\"%s\",\"AssigneeId\":\"%s\"}", set,
                               user_id(SEED_SALES_USERNAME));
    given("PermissionSetAssignment", twice);
    struct reply reply = ask("POST", V "/sobjects/PermissionSetAssignment", twice);
    CHECK_STR(error_code(&reply), "DUPLICATE_VALUE");
    reply = as(SEED_SALES_USERNAME, "POST", V "/sobjects/PermissionSet",
               "{\"Name\":\"T\",\"Label\":\"T\"}");
    CHECK_STR(error_code(&reply), "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY");
}

TEST(people, an_assignment_ends_when_it_expires)
{
    given("Account", "{\"Name\":\"Acme\"}");
    given_user(NOBODY, "Minimum Access - Salesforce");
    const char *set =
        given("PermissionSet", "{\"Name\":\"Day\",\"Label\":\"Day\",\"PermissionsApiEnabled\":true,"
                               "\"PermissionsViewAllData\":true}");
    char until[32];
    when_iso_seconds(org_now_ms(site->org) + 3600 * 1000, until);
    given("PermissionSetAssignment",
          text_f("{\"PermissionSetId\":\"%s\",\"AssigneeId\":\"%s\",\"ExpirationDate\":\"%s\"}",
                 set, user_id(NOBODY), until));
    CHECK_INT(total_as(NOBODY, "SELECT Id FROM Account"), 1);
    ask("POST", "/localorg/clock", "{\"shift_s\":3700}");
    struct reply reply = query_as(NOBODY, "SELECT Id FROM Account");
    CHECK_STR(error_code(&reply), "API_CURRENTLY_DISABLED");
}

TEST(people, every_user_is_assigned_to_the_set_of_their_profile)
{
    CHECK_INT(soql_count(text_f("PermissionSetAssignment WHERE AssigneeId = '%s' AND "
                                "PermissionSet.IsOwnedByProfile = true AND "
                                "PermissionSet.Profile.Name = 'Sales User'",
                                user_id(SEED_SALES_USERNAME))),
              1);
    given_user(SEED_SALES_USERNAME, "Read Only");
    CHECK_INT(soql_count(text_f("PermissionSetAssignment WHERE AssigneeId = '%s' AND "
                                "PermissionSet.Profile.Name = 'Read Only'",
                                user_id(SEED_SALES_USERNAME))),
              1);
    CHECK_INT(soql_count(text_f("PermissionSetAssignment WHERE AssigneeId = '%s'",
                                user_id(SEED_SALES_USERNAME))),
              1);
    struct reply reply =
        as(SEED_SALES_USERNAME, "POST", V "/sobjects/Account", "{\"Name\":\"New\"}");
    CHECK_STR(error_code(&reply), "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY");
}

/* --- sharing --- */

TEST(sharing, private_records_are_their_owners_and_those_aboves)
{
    given_sharing("{\"object\":\"Account\",\"default\":\"Private\"}");
    given("Account", "{\"Name\":\"Admin's\"}");
    struct reply reply =
        as(SEED_SALES_USERNAME, "POST", V "/sobjects/Account", "{\"Name\":\"Sam's\"}");
    CHECK_INT(reply.status, 201);
    const char *sams = json_get_text(reply.json, "id");
    /* Stella is VP Sales, above Sam; the administrator sees all */
    CHECK_INT(total_as(SEED_SALES_USERNAME, "SELECT Id FROM Account"), 1);
    CHECK_INT(total_as(SEED_STANDARD_USERNAME, "SELECT Id FROM Account"), 1);
    CHECK_INT(soql_count("Account"), 2);
    reply = as(SEED_STANDARD_USERNAME, "PATCH", text_f(V "/sobjects/Account/%s", sams),
               "{\"Phone\":\"1\"}");
    CHECK_INT(reply.status, 204);
    given_sharing("{\"object\":\"Account\",\"hierarchies\":false}");
    CHECK_INT(total_as(SEED_STANDARD_USERNAME, "SELECT Id FROM Account"), 0);
    CHECK_STR(soql_one("SELECT DefaultAccountAccess FROM Organization", "DefaultAccountAccess"),
              "None");
}

TEST(sharing, a_hidden_record_is_not_there)
{
    given_sharing("{\"object\":\"Account\",\"default\":\"Private\"}");
    const char *account = given("Account", "{\"Name\":\"Admin's\"}");
    const char *path = text_f(V "/sobjects/Account/%s", account);
    struct reply reply = as(SEED_SALES_USERNAME, "GET", path, NULL);
    CHECK_INT(reply.status, 404);
    CHECK_STR(error_code(&reply), "NOT_FOUND");
    reply = as(SEED_SALES_USERNAME, "PATCH", path, "{\"Phone\":\"1\"}");
    CHECK_INT(reply.status, 404);
    reply = as(SEED_SALES_USERNAME, "PATCH", V "/composite/sobjects",
               text_f("{\"records\":[{\"attributes\":{\"type\":\"Account\"},\"id\":\"%s\","
                      "\"Phone\":\"1\"}]}",
                      account));
    CHECK_CONTAINS(reply.text, "INVALID_CROSS_REFERENCE_KEY");
    reply = as(SEED_SALES_USERNAME, "POST", V "/sobjects/Contact",
               text_f("{\"LastName\":\"Lee\",\"AccountId\":\"%s\"}", account));
    CHECK_STR(error_code(&reply), "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY");
    CHECK_CONTAINS(reply.text,
                   text_f("insufficient access rights on cross-reference id: %.15s", account));
    reply = as(SEED_SALES_USERNAME, "GET",
               text_f(V "/composite/sobjects/Account?ids=%s&fields=Id", account), NULL);
    CHECK_STR(reply.text, "[null]");
    reply =
        as(SEED_SALES_USERNAME, "GET",
           V "/sobjects/Account/updated?start=2020-01-01T00:00:00Z&end=2030-01-01T00:00:00Z", NULL);
    CHECK_LACKS(reply.text, account);
}

TEST(sharing, read_only_defaults_let_read)
{
    given_sharing("{\"object\":\"Lead\",\"default\":\"Read\"}");
    const char *lead = given("Lead", "{\"LastName\":\"Lee\",\"Company\":\"Acme\"}");
    CHECK_INT(total_as(SEED_SALES_USERNAME, "SELECT Id FROM Lead"), 1);
    struct reply reply =
        as(SEED_SALES_USERNAME, "PATCH", text_f(V "/sobjects/Lead/%s", lead), "{\"Phone\":\"1\"}");
    CHECK_INT(reply.status, 403);
    CHECK_STR(error_code(&reply), "INSUFFICIENT_ACCESS_OR_READONLY");
}

TEST(sharing, public_records_are_deleted_by_owners_only)
{
    const char *account = given("Account", "{\"Name\":\"Admin's\"}");
    const char *path = text_f(V "/sobjects/Account/%s", account);
    struct reply reply = as(SEED_SALES_USERNAME, "PATCH", path, "{\"Phone\":\"1\"}");
    CHECK_INT(reply.status, 204);
    reply = as(SEED_SALES_USERNAME, "DELETE", path, NULL);
    CHECK_STR(error_code(&reply), "INSUFFICIENT_ACCESS_OR_READONLY");
    reply = as(SEED_SALES_USERNAME, "PATCH", path,
               text_f("{\"OwnerId\":\"%s\"}", user_id(SEED_SALES_USERNAME)));
    CHECK_STR(error_code(&reply), "INSUFFICIENT_ACCESS_OR_READONLY");
    reply = ask("PATCH", path, text_f("{\"OwnerId\":\"%s\"}", user_id(SEED_SALES_USERNAME)));
    CHECK_INT(reply.status, 204);
    reply = as(SEED_SALES_USERNAME, "DELETE", path, NULL);
    CHECK_INT(reply.status, 204);
}

TEST(sharing, share_rows_and_rules_open_what_is_private)
{
    given_sharing("{\"object\":\"Account\",\"default\":\"Private\"}");
    const char *one = given("Account", "{\"Name\":\"One\"}");
    given("Account", "{\"Name\":\"Two\",\"Industry\":\"Banking\"}");
    const char *path = text_f(V "/sobjects/Account/%s", one);
    const char *sam = user_id(SEED_SALES_USERNAME);
    const char *share = given("AccountShare", text_f("{\"AccountId\":\"%s\",\"UserOrGroupId\":"
                                                     "\"%s\",\"AccountAccessLevel\":\"Read\"}",
                                                     one, sam));
    CHECK_INT(total_as(SEED_SALES_USERNAME, "SELECT Id FROM Account"), 1);
    struct reply reply = as(SEED_SALES_USERNAME, "PATCH", path, "{\"Phone\":\"1\"}");
    CHECK_STR(error_code(&reply), "INSUFFICIENT_ACCESS_OR_READONLY");
    reply = ask("PATCH", text_f(V "/sobjects/AccountShare/%s", share),
                "{\"AccountAccessLevel\":\"Edit\"}");
    CHECK_INT(reply.status, 204);
    reply = as(SEED_SALES_USERNAME, "PATCH", path, "{\"Phone\":\"1\"}");
    CHECK_INT(reply.status, 204);
    given_sharing("{\"object\":\"Account\",\"rules\":[{\"name\":\"Banks\",\"where\":\"Industry = "
                  "'Banking'\",\"to\":{\"role\":\"Account Executive\"},\"access\":\"Read\"}]}");
    CHECK_INT(total_as(SEED_SALES_USERNAME, "SELECT Id FROM Account"), 2);
    given_sharing(
        "{\"object\":\"Account\",\"rules\":[{\"name\":\"Boss\",\"from\":{\"role\":\"CEO\"},"
        "\"to\":{\"role_and_subordinates\":\"VP, Sales\"},\"access\":\"Edit\"}]}");
    CHECK_INT(total_as(SEED_SALES_USERNAME, "SELECT Id FROM Account"), 2);
    /* a share given by hand ends when the owner changes */
    given_sharing("{\"object\":\"Account\",\"rules\":[]}");
    CHECK_INT(total_as(SEED_SALES_USERNAME, "SELECT Id FROM Account"), 1);
    reply = ask("PATCH", path, text_f("{\"OwnerId\":\"%s\"}", user_id(SEED_STANDARD_USERNAME)));
    CHECK_INT(reply.status, 204);
    CHECK_INT(soql_count("AccountShare"), 0);
    CHECK_INT(total_as(SEED_SALES_USERNAME, "SELECT Id FROM Account"), 0);
}

TEST(sharing, groups_and_queues_count)
{
    given_sharing("[{\"object\":\"Account\",\"default\":\"Private\"},"
                  "{\"object\":\"Lead\",\"default\":\"Private\"}]");
    const char *sam = user_id(SEED_SALES_USERNAME);
    const char *group = given("Group", "{\"Name\":\"Team\",\"Type\":\"Regular\"}");
    given("GroupMember", text_f("{\"GroupId\":\"%s\",\"UserOrGroupId\":\"%s\"}", group, sam));
    const char *account = given("Account", "{\"Name\":\"One\"}");
    given("AccountShare", text_f("{\"AccountId\":\"%s\",\"UserOrGroupId\":\"%s\","
                                 "\"AccountAccessLevel\":\"Read\"}",
                                 account, group));
    CHECK_INT(total_as(SEED_SALES_USERNAME, "SELECT Id FROM Account"), 1);
    const char *queue = given("Group", "{\"Name\":\"Leads\",\"Type\":\"Queue\"}");
    given("GroupMember", text_f("{\"GroupId\":\"%s\",\"UserOrGroupId\":\"%s\"}", queue, sam));
    given("Lead", text_f("{\"LastName\":\"Lee\",\"Company\":\"Acme\",\"OwnerId\":\"%s\"}", queue));
    CHECK_INT(total_as(SEED_SALES_USERNAME, "SELECT Id FROM Lead"), 1);
    /* shared with the group that stands for the role */
    const char *role = soql_one("SELECT Id FROM Group WHERE Type = 'RoleAndSubordinates' AND "
                                "DeveloperName = 'VPSales'",
                                "Id");
    const char *second = given("Account", "{\"Name\":\"Two\"}");
    given("AccountShare", text_f("{\"AccountId\":\"%s\",\"UserOrGroupId\":\"%s\","
                                 "\"AccountAccessLevel\":\"Read\"}",
                                 second, role));
    CHECK_INT(total_as(SEED_SALES_USERNAME, "SELECT Id FROM Account"), 2);
}

TEST(sharing, children_follow_their_parents_and_parents_their_children)
{
    given_sharing("[{\"object\":\"Account\",\"default\":\"Private\"},"
                  "{\"object\":\"Opportunity\",\"default\":\"Private\"}]");
    const char *account = given("Account", "{\"Name\":\"Admin's\"}");
    given("Contact", text_f("{\"LastName\":\"Lee\",\"AccountId\":\"%s\"}", account));
    given("Contact", "{\"LastName\":\"Alone\"}");
    CHECK_INT(total_as(SEED_SALES_USERNAME, "SELECT Id FROM Contact"), 0);
    /* an opportunity of one's own shows the account above it, to read */
    given("Opportunity",
          text_f("{\"Name\":\"Deal\",\"StageName\":\"Prospecting\",\"CloseDate\":\"2027-01-01\","
                 "\"AccountId\":\"%s\",\"OwnerId\":\"%s\"}",
                 account, user_id(SEED_SALES_USERNAME)));
    CHECK_INT(total_as(SEED_SALES_USERNAME, "SELECT Id FROM Account"), 1);
    CHECK_INT(total_as(SEED_SALES_USERNAME, "SELECT Id FROM Contact"), 1);
    struct reply reply = as(SEED_SALES_USERNAME, "PATCH", text_f(V "/sobjects/Account/%s", account),
                            "{\"Phone\":\"1\"}");
    CHECK_STR(error_code(&reply), "INSUFFICIENT_ACCESS_OR_READONLY");
}

TEST(sharing, a_parent_out_of_reach_reads_null)
{
    given_sharing("{\"object\":\"Campaign\",\"default\":\"Private\"}");
    const char *campaign = given("Campaign", "{\"Name\":\"Secret\"}");
    given("Opportunity",
          text_f("{\"Name\":\"Deal\",\"StageName\":\"Prospecting\",\"CloseDate\":\"2027-01-01\","
                 "\"CampaignId\":\"%s\"}",
                 campaign));
    struct reply reply =
        query_as(SEED_SALES_USERNAME, "SELECT Name, Campaign.Name FROM Opportunity");
    CHECK_CONTAINS(reply.text, "\"Campaign\":null");
    reply = query_as(SEED_SALES_USERNAME,
                     "SELECT Id FROM Opportunity WHERE CampaignId IN (SELECT Id FROM Campaign)");
    CHECK_INT(json_get_int(reply.json, "totalSize", -1), 0);
    reply = query_as(SEED_SALES_USERNAME, "SELECT COUNT() FROM Campaign");
    CHECK_INT(json_get_int(reply.json, "totalSize", -1), 0);
}

TEST(sharing, user_record_access_says_what_holds)
{
    given_sharing("{\"object\":\"Account\",\"default\":\"Read\"}");
    const char *account = given("Account", "{\"Name\":\"Admin's\"}");
    const char *soql =
        "SELECT RecordId, HasReadAccess, HasEditAccess, HasDeleteAccess, MaxAccessLevel FROM "
        "UserRecordAccess WHERE UserId = '%s' AND RecordId = '%s'";
    struct reply reply =
        query_as(SEED_SALES_USERNAME, text_f(soql, user_id(SEED_SALES_USERNAME), account));
    CHECK_INT(reply.status, 200);
    CHECK_CONTAINS(reply.text,
                   text_f("\"RecordId\":\"%s\",\"HasReadAccess\":true,\"HasEditAccess\":"
                          "false,\"HasDeleteAccess\":false,\"MaxAccessLevel\":\"Read\"",
                          account));
    reply = query_as(SEED_SALES_USERNAME, text_f(soql, user_id(SEED_ADMIN_USERNAME), account));
    CHECK_CONTAINS(reply.text, "\"MaxAccessLevel\":\"All\"");
    reply = query_as(SEED_SALES_USERNAME, "SELECT RecordId FROM UserRecordAccess");
    CHECK_STR(error_code(&reply), "MALFORMED_QUERY");
}

TEST(sharing, view_all_on_an_object_lifts_it)
{
    given_sharing("{\"object\":\"Account\",\"default\":\"Private\"}");
    given("Account", "{\"Name\":\"Admin's\"}");
    CHECK_INT(total_as(SEED_SALES_USERNAME, "SELECT Id FROM Account"), 0);
    const char *set = given_set("AllAccounts", SEED_SALES_USERNAME, "");
    given("ObjectPermissions",
          text_f("{\"ParentId\":\"%s\",\"SobjectType\":\"Account\",\"PermissionsRead\":true,"
                 "\"PermissionsViewAllRecords\":true}",
                 set));
    CHECK_INT(total_as(SEED_SALES_USERNAME, "SELECT Id FROM Account"), 1);
}

TEST(sharing, refuses_what_it_does_not_understand)
{
    static const char *const bad[] = {
        "{\"object\":\"Nope\"}",
        "{\"object\":\"Account\",\"default\":\"Secret\"}",
        "{\"object\":\"Account\",\"rules\":[{\"to\":{\"magic\":1},\"access\":\"Read\"}]}",
        "{\"object\":\"Account\",\"rules\":[{\"where\":\"Nope = 1\",\"to\":{\"role\":\"CEO\"},"
        "\"access\":\"Read\"}]}",
        "{\"object\":\"Account\",\"colour\":\"red\"}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct reply reply = ask("POST", "/localorg/sharing", bad[i]);
        CHECK(reply.status == 400 || reply.status == 404);
        CHECK(json_get(reply.json, "error") != NULL);
    }
    CHECK_INT(total_as(SEED_SALES_USERNAME, "SELECT Id FROM Account"), 0);
}

TEST(sharing, outlives_the_server)
{
    const char *data = text_f("/tmp/localorg-sharing-%d.db", (int)getpid());
    rest_restart(data);
    given_sharing("{\"object\":\"Account\",\"default\":\"Private\"}");
    given("Account", "{\"Name\":\"Admin's\"}");
    soql_count("FieldPermissions");
    rest_restart(data);
    CHECK_INT(total_as(SEED_SALES_USERNAME, "SELECT Id FROM Account"), 0);
    CHECK(describes(SEED_SALES_USERNAME, "Account", "Phone"));
    rest_restart(NULL);
    unlink(data);
    unlink(text_f("%s-wal", data));
    unlink(text_f("%s-shm", data));
}
