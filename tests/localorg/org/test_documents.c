/* test_documents.c - JSON beside the records, and dates put on them. */
#include "localorg/org/documents.h"
#include "localorg/org/fixture.h"
#include "localorg/org/stamps.h"

#include <stdio.h>
#include <string.h>

EACH_TEST(given_org, org_gone)

static struct err err;

static void put(const char *kind, const char *id, const char *json, int64_t until_ms)
{
    struct buf text = BUF_INIT;
    buf_str(&text, json);
    CHECK_OK(org_document_put(org, kind, id, &text, until_ms, &err), &err);
    buf_free(&text);
}

static const char *name_of(const char *kind, const char *id)
{
    err_clear(&err);
    return json_get_text(org_document_get(org, kind, id, arena, &err), "name");
}

static bool collect(void *ctx, const char *id, const struct json *json)
{
    size_t len = strlen(ctx);
    snprintf((char *)ctx + len, 64 - len, "%s=%s ", id, json_get_text(json, "name"));
    return strcmp(id, "2") != 0;
}

TEST(documents, are_kept_by_kind_and_id)
{
    char seen[64] = "";
    put("report", "1", "{\"name\":\"one\"}", 0);
    put("view", "1", "{\"name\":\"other\"}", 0);
    put("report", "1", "{\"name\":\"changed\"}", 0);
    put("report", "2", "{\"name\":\"two\"}", 0);
    put("report", "3", "{\"name\":\"three\"}", 0);
    CHECK_STR(name_of("report", "1"), "changed");
    CHECK_STR(name_of("view", "1"), "other");
    CHECK(name_of("report", "9") == NULL);
    CHECK(!err.code[0]);
    CHECK_OK(org_document_each(org, "report", arena, collect, seen, &err), &err);
    CHECK_STR(seen, "1=changed 2=two ");
    CHECK_OK(org_document_drop(org, "report", "1", &err), &err);
    CHECK(name_of("report", "1") == NULL);
    CHECK_OK(org_document_drop(org, "report", "1", &err), &err);
}

TEST(documents, go_with_their_transaction_and_with_time)
{
    CHECK(org_write_begin(org) != NULL);
    put("report", "1", "{\"name\":\"one\"}", 0);
    CHECK_STR(name_of("report", "1"), "one");
    CHECK_OK(org_write_end(org, false, &err), &err);
    CHECK(name_of("report", "1") == NULL);
    put("result", "1", "{\"name\":\"soon gone\"}", org_now_ms(org) + 1000);
    put("result", "2", "{\"name\":\"stays\"}", 0);
    CHECK_STR(name_of("result", "1"), "soon gone");
    org_clock_shift(org, 1000);
    CHECK(name_of("result", "1") == NULL);
    CHECK_INT(counted("SELECT COUNT(*) FROM localorg_document"), 2);
    CHECK_OK(org_document_expire(org, "result", &err), &err);
    CHECK_INT(counted("SELECT COUNT(*) FROM localorg_document"), 1);
    CHECK_STR(name_of("result", "2"), "stays");
}

TEST(stamps, change_nothing_but_their_date)
{
    char ids[2][19];
    snprintf(ids[0], 19, "%s", given("Account", "{\"Name\":\"A\"}"));
    snprintf(ids[1], 19, "%s", given("Account", "{\"Name\":\"B\"}"));
    const char *before = arena_strdup(arena, stored("Account", ids[0], "SystemModstamp"));
    org_clock_shift(org, 60000);
    CHECK_OK(org_stamp(org, object_of("Account"), "LastViewedDate", ids, 2, 12000, &err), &err);
    CHECK_STR(stored("Account", ids[1], "LastViewedDate"), "12000");
    CHECK_STR(stored("Account", ids[0], "SystemModstamp"), before);
    CHECK_OK(org_stamp(org, object_of("Account"), "NoSuchDate", ids, 2, 12000, &err), &err);
    deleted("Account", ids[0]);
    CHECK_OK(org_stamp(org, object_of("Account"), "LastViewedDate", ids, 1, 13000, &err), &err);
    CHECK_STR(stored("Account", ids[0], "LastViewedDate"), "12000");
}
