/* test_layouts.c - layouts, quick actions, tabs, themes, default values: what an
 * app draws its forms and menus with; and that a describe's urls lead somewhere. */
#include "localorg/rest/fixture.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

EACH_REST_TEST

#define V "/services/data/v66.0"

static const char *with_id(const char *url, const char *id)
{
    const char *at = strstr(url, "{ID}");
    return at ? text_f("%.*s%s%s", (int)(at - url), url, id, at + 4) : url;
}

static int lead_nowhere(const char *object, const struct json *urls)
{
    int bad = 0;
    json_each(url, urls) {
        bool row = strstr(url->text, "{ID}") != NULL;
        bool series = text_ends(url->text, "/fromThisEventOnwards");
        const char *path = with_id(url->text, "000000000000000AAA");
        if (strstr(path, "{LayoutName}"))
            path = text_f(V "/sobjects/%s/describe/namedLayouts/UserAlt", object);
        struct reply reply = ask(series ? "DELETE" : "GET", path, NULL);
        bool good = reply.status == 200 || reply.status == 302 || (row && reply.status == 404);
        if (!good)
            printf("%s %s %s: %d\n", object, url->key, path, reply.status);
        bad += !good;
    }
    return bad;
}

TEST(layouts, the_urls_of_a_describe_lead_somewhere)
{
    int bad = 0, seen = 0;
    struct reply all = ask("GET", V "/sobjects", NULL);
    json_each(object, json_get(all.json, "sobjects")) {
        const char *name = json_get_text(object, "name");
        struct reply one = ask("GET", text_f(V "/sobjects/%s/describe", name), NULL);
        bad += lead_nowhere(name, json_get(one.json, "urls"));
        seen++;
    }
    CHECK_INT(bad, 0);
    CHECK(seen > 40);
}

TEST(layouts, the_urls_of_a_version_lead_somewhere)
{
    static const char *const elsewhere[] = {
        "eclair",   "folders",  "nouns",   "connect",
        "process",  "dedupe",   "support", "chatter",
        "identity", "metadata", "jobs",    "compactLayouts",
        "query",    "queryAll", "search",  "parameterizedSearch"};
    struct reply reply = ask("GET", V, NULL);
    json_each(url, reply.json) {
        bool skip = false;
        for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
            skip |= strcmp(elsewhere[i], url->key) == 0;
        if (!skip)
            CHECK_INT(ask("GET", url->text, NULL).status, 200);
    }
}

TEST(layouts, a_page_shows_every_field_once)
{
    struct reply reply = ask("GET", V "/sobjects/Contact/describe/layouts", NULL);
    CHECK_INT(reply.status, 200);
    const struct json *layout = json_path(reply.json, "layouts[0]");
    CHECK_STR(json_get_text(layout, "id"),
              json_text(json_path(reply.json, "recordTypeMappings[0].layoutId")));
    CHECK_CONTAINS(reply.text, "\"recordTypeSelectorRequired\":[false]");
    int names = 0, lists = 0;
    const char *label = NULL;
    json_each(row, json_path(layout, "detailLayoutSections[0].layoutRows"))
        json_each(item, json_get(row, "layoutItems")) {
            const struct json *component = json_path(item, "layoutComponents[0]");
            if (strcmp(json_get_text(component, "value"), "Name") == 0) {
                CHECK(json_get(component, "components")->len >= 2);
                names++;
            }
            if (strcmp(json_get_text(component, "value"), "AccountId") == 0)
                label = json_get_text(item, "label");
            CHECK(strcmp(json_get_text(component, "value"), "LastName") != 0);
        }
    CHECK_INT(names, 1);
    CHECK_STR(label, "Account");
    json_each(list, json_get(layout, "relatedLists"))
        lists += strcmp(json_get_text(list, "sobject"), "Case") == 0;
    CHECK_INT(lists, 1);
    reply = ask("GET", V "/sobjects/Contact/describe/layouts/012000000000000AAA", NULL);
    CHECK(json_get(reply.json, "editLayoutSections"));
    CHECK_INT(ask("GET", V "/sobjects/Contact/describe/layouts/012000000000001AAA", NULL).status,
              404);
    CHECK_INT(ask("GET", V "/sobjects/Nothing/describe/layouts", NULL).status, 404);
    CHECK_INT(ask("GET", V "/sobjects/Global/describe/layouts", NULL).status, 200);
}

TEST(layouts, compact_ones)
{
    struct reply reply = ask("GET", V "/sobjects/Account/describe/compactLayouts", NULL);
    CHECK_STR(json_text(json_path(reply.json, "compactLayouts[0].name")), "SYSTEM");
    CHECK(json_is_null(json_get(reply.json, "defaultCompactLayoutId")));
    reply = ask("GET", json_text(json_path(reply.json, "urls.primary")), NULL);
    CHECK_STR(json_text(json_path(reply.json, "fieldItems[0].layoutComponents[0].value")), "Name");
    reply = ask("GET", V "/compactLayouts?q=Account,Lead", NULL);
    CHECK_STR(json_text(json_path(reply.json, "Lead.objectType")), "Lead");
    CHECK_INT(ask("GET", V "/compactLayouts?q=Account,Nothing", NULL).status, 404);
    CHECK_INT(ask("GET", V "/compactLayouts", NULL).status, 400);
    reply = ask("GET", V "/sobjects/Account/describe/approvalLayouts", NULL);
    CHECK_STR(reply.text, "{\"approvalLayouts\":[]}");
    CHECK_INT(ask("GET", V "/sobjects/Account/describe/approvalLayouts/Some", NULL).status, 404);
}

TEST(layouts, are_not_sent_twice)
{
    struct reply reply = ask("GET", V "/sobjects/Account/describe/layouts", NULL);
    const char *etag = reply_header(&reply, "ETag");
    reply = ask_as(text_f("Bearer %s", admin_token), "GET", V "/sobjects/Account/describe/layouts",
                   NULL, "If-None-Match", etag);
    CHECK_INT(reply.status, 304);
}

TEST(layouts, quick_actions)
{
    const char *account = given("Account", "{\"Name\":\"Acme\"}");
    struct reply reply = ask("GET", V "/quickActions", NULL);
    CHECK_CONTAINS(reply.text, "\"name\":\"NewAccount\"");
    reply = ask("GET", V "/sobjects/Account/quickActions", NULL);
    CHECK(strstr(reply.text, "NewAccount") == NULL);
    json_each(action, reply.json)
        CHECK_INT(ask("GET", json_text(json_path(action, "urls.describe")), NULL).status, 200);
    reply = ask("GET", V "/sobjects/Account/quickActions/LogACall/describe", NULL);
    CHECK_STR(json_get_text(reply.json, "targetParentField"), "WhatId");
    reply = ask(
        "GET", text_f(V "/sobjects/Account/quickActions/LogACall/defaultValues/%s", account), NULL);
    CHECK_STR(json_get_text(reply.json, "WhatId"), account);
    CHECK_STR(json_get_text(reply.json, "Status"), "Completed");
    reply = ask("POST", V "/sobjects/Account/quickActions/NewContact",
                text_f("{\"contextId\":\"%s\",\"record\":{\"LastName\":\"Doe\"}}", account));
    CHECK_INT(reply.status, 201);
    CHECK(json_get_bool(reply.json, "success", false));
    CHECK_STR(soql_one("SELECT AccountId FROM Contact", "AccountId"), account);
    reply = ask("POST", V "/quickActions/NewContact", "{\"record\":{}}");
    CHECK_INT(reply.status, 400);
    CHECK_STR(error_code(&reply), "REQUIRED_FIELD_MISSING");
    CHECK_INT(ask("POST", V "/quickActions/NewContact", "{}").status, 400);
    CHECK_INT(ask("GET", V "/quickActions/Nothing", NULL).status, 404);
}

TEST(layouts, default_values)
{
    struct reply reply = ask("GET", V "/sobjects/Lead/defaultValues?recordTypeId&fields", NULL);
    CHECK_STR(json_get_text(reply.json, "Status"), "Open - Not Contacted");
    reply = ask("GET", V "/sobjects/Lead/defaultValues?fields=Company,Status", NULL);
    CHECK(json_get(reply.json, "Company") && json_is_null(json_get(reply.json, "Company")));
    CHECK_INT(reply.json->len, 3);
}

TEST(layouts, tabs_theme_and_menus)
{
    struct reply reply = ask("GET", V "/tabs", NULL);
    CHECK_CONTAINS(reply.text, "\"name\":\"standard-Account\",\"sobjectName\":\"Account\"");
    reply = ask("GET", V "/theme", NULL);
    CHECK_CONTAINS(reply.text, "\"name\":\"Opportunity\"");
    reply = ask("GET", V "/appMenu/Salesforce1", NULL);
    CHECK_STR(json_text(json_path(reply.json, "appMenuItems[0].type")), "Standard.Search");
    CHECK_INT(ask("GET", V "/appMenu/AppSwitcher", NULL).status, 200);
    CHECK_INT(ask("GET", V "/appMenu/Other", NULL).status, 404);
    reply = ask("GET", V "/actions/standard", NULL);
    CHECK_STR(reply.text, "{\"actions\":[]}");
    CHECK_INT(ask("GET", V "/actions/custom/flow", NULL).status, 200);
}

TEST(layouts, passwords)
{
    const char *me = soql_one("SELECT Id FROM User WHERE Username LIKE 'admin%'", "Id");
    const char *path = text_f(V "/sobjects/User/%s/password", me);
    CHECK_STR(ask("GET", path, NULL).text, "{\"isExpired\":false}");
    struct reply reply = ask("POST", path, "{\"NewPassword\":\"short\"}");
    CHECK_STR(error_code(&reply), "INVALID_NEW_PASSWORD");
    CHECK_INT(ask("POST", path, "{\"NewPassword\":\"long enough 1\"}").status, 204);
    reply = ask("GET", V "/limits", NULL);
    CHECK_INT(reply.status, 401); /* a new password ends sessions */
}

TEST(layouts, pages_of_records)
{
    const char *id = given("Account", "{\"Name\":\"A <b> C\"}");
    struct reply reply = browse(text_f("/%s", id));
    CHECK_INT(reply.status, 302);
    CHECK_CONTAINS(reply_header(&reply, "Location"), text_f("/?ec=302&startURL=%%2F%s", id));
    CHECK_INT(browse("/nothing").status, 404);
}
