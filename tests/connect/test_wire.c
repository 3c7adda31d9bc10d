/* test_wire.c - the connector against canned answers: what it sends, how often,
 * and what it makes of what comes back. */
#include "base/mem.h"
#include "base/str.h"
#include "base/uri.h"
#include "connect/salesforce/sf_priv.h"
#include "http/server.h"
#include "support/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------- a server with a script */

struct canned {
    const char *path; /* prefix of "METHOD /path?query" */
    int status;
    const char *body;
    const char *type; /* NULL = JSON */
    enum http_break broken;
    int times; /* 0 = for ever */
};

static struct canned cans[32];
static int can_count;
static char *seen[256]; /* "METHOD /path?query\nAuthorization\nbody" */
static atomic_int seen_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct http_server *server;
static char base_url[64];

static void can(const char *path, int status, const char *body)
{
    cans[can_count++] = (struct canned){.path = path, .status = status, .body = body};
}
static void can_times(const char *path, int status, const char *body, int times)
{
    can(path, status, body);
    cans[can_count - 1].times = times;
}

static void serve(void *ctx, struct http_in *in, struct http_out *out)
{
    pthread_mutex_lock(&lock);
    char *line = mem_printf("%s %s%s%s", in->method, in->path, in->query ? "?" : "", in->query ? in->query : "");
    const char *auth = http_header_get(in->headers, "Authorization");
    const char *rule = http_header_get(in->headers, "Sforce-Duplicate-Rule-Header");
    int n = atomic_load(&seen_count);
    seen[n] = mem_printf("%s\n%s\n%s\n%s", line, auth ? auth : "", rule ? rule : "", buf_text(&in->body));
    atomic_store(&seen_count, n + 1);
    out->status = 404;
    for (int i = 0; i < can_count; i++) {
        struct canned *c = &cans[i];
        if (!text_starts(line, c->path) || c->times < 0)
            continue;
        out->status = c->status;
        out->broken = c->broken;
        buf_str(&out->body, c->body);
        http_out_header(in, out, "Content-Type", c->type ? c->type : "application/json;charset=UTF-8");
        http_out_header(in, out, "Sforce-Limit-Info", "api-usage=25/15000; per-app-api-usage=17/250(appName=x)");
        if (c->times > 0 && --c->times == 0)
            c->times = -1;
        break;
    }
    if (out->status == 404 && out->body.len == 0)
        buf_str(&out->body, "[{\"errorCode\":\"NOT_FOUND\",\"message\":\"The requested resource does not exist\"}]");
    free(line);
    pthread_mutex_unlock(&lock);
}

static int seen_with(const char *part)
{
    int count = 0;
    for (int i = 0; i < atomic_load(&seen_count); i++)
        count += strstr(seen[i], part) != NULL;
    return count;
}
static const char *seen_nth(const char *part, int nth)
{
    for (int i = 0; i < atomic_load(&seen_count); i++)
        if (strstr(seen[i], part) && nth-- == 0)
            return seen[i];
    return "";
}

/* ------------------------------------------------ a session on that server */

static struct world world;
static int sleeps;
static struct arena *arena;
static struct err err;
static struct crm_session *session;
static struct crm_tokens vault;
static int saves;

static void no_sleep(struct world *w, int64_t ms) { sleeps++; }

static enum status load(void *ctx, struct arena *a, struct crm_tokens *out, struct err *e)
{
    secret_copy(&out->access, &vault.access);
    secret_copy(&out->refresh, &vault.refresh);
    out->instance_url = base_url;
    return OK;
}
static enum status save(void *ctx, const struct crm_tokens *tokens, struct err *e)
{
    saves++;
    secret_copy(&vault.access, &tokens->access);
    secret_copy(&vault.refresh, &tokens->refresh);
    return OK;
}

static const struct crm_token_store store = {.load = load, .save = save};

static const char lead_describe[] =
    "{\"name\":\"Lead\",\"label\":\"Lead\",\"keyPrefix\":\"00Q\",\"queryable\":true,\"createable\":true,"
    "\"updateable\":true,\"fields\":["
    "{\"name\":\"Id\",\"type\":\"id\",\"length\":18,\"filterable\":true,\"sortable\":true},"
    "{\"name\":\"SystemModstamp\",\"type\":\"datetime\",\"filterable\":true,\"sortable\":true},"
    "{\"name\":\"CreatedDate\",\"type\":\"datetime\",\"filterable\":true,\"sortable\":true},"
    "{\"name\":\"IsDeleted\",\"type\":\"boolean\",\"filterable\":true},"
    "{\"name\":\"Email\",\"type\":\"email\",\"length\":80,\"filterable\":true},"
    "{\"name\":\"Company\",\"type\":\"string\",\"length\":255,\"filterable\":true},"
    "{\"name\":\"Amount__c\",\"type\":\"currency\",\"precision\":18,\"scale\":2,\"filterable\":true},"
    "{\"name\":\"Address\",\"type\":\"address\"},"
    "{\"name\":\"Key__c\",\"type\":\"string\",\"length\":36,\"unique\":true,\"externalId\":true,\"filterable\":true},"
    "{\"name\":\"Notes\",\"type\":\"textarea\",\"length\":32000,\"filterable\":false},"
    "{\"name\":\"OwnerId\",\"type\":\"reference\",\"referenceTo\":[\"Group\",\"User\"],\"relationshipName\":\"Owner\","
    "\"filterable\":true}]}";

static void start(void)
{
    struct http_server_options options = {.host = "127.0.0.1", .handler = serve, .threads = 2};
    struct connection connection = {.name = "c", .org_id = "00D000000000062EAA", .client_id = "3MVG9",
                                    .user_id = "005000000000001AAA", .username = "ann@acme.com"};
    world = *world_real();
    world.sleep_ms = no_sleep;
    sleeps = saves = can_count = 0;
    arena = arena_new();
    err_clear(&err);
    server = http_server_start(&options, &err);
    CHECK_GOT(server, &err);
    snprintf(base_url, sizeof base_url, "http://127.0.0.1:%d", http_server_port(server));
    connection.login_url = connection.instance_url = base_url;
    secret_set(&vault.access, "first", 5);
    secret_set(&vault.refresh, "fresh", 5);
    can("GET /services/data/ ", 200, "");
    can_count = 0;
    session = salesforce_connector.open(&world, &connection, &store, &err);
    CHECK_GOT(session, &err);
}

static void stop(void)
{
    salesforce_connector.close(session);
    http_server_stop(server, 1000);
    for (int i = 0; i < atomic_load(&seen_count); i++)
        free(seen[i]);
    atomic_store(&seen_count, 0);
    secret_wipe(&vault.access);
    secret_wipe(&vault.refresh);
    arena_free(arena);
}
EACH_TEST(start, stop)

/* What every org answers. Put after the cans of the test: the first that fits wins. */
static void can_usual(void)
{
    can("GET /services/data/v66.0/sobjects/Lead/describe", 200, lead_describe);
    can("GET /services/data/v66.0/sobjects/lead/describe", 200, lead_describe);
    can("GET /services/data/v66.0/sobjects/Acount", 404, "");
    can("GET /services/data/v66.0/sobjects/", 200,
        "{\"sobjects\":[{\"name\":\"Account\",\"keyPrefix\":\"001\"},{\"name\":\"Lead\",\"keyPrefix\":\"00Q\"}]}");
    can("GET /services/data/v", 404, "");
    can("GET /services/data/", 200, "[{\"version\":\"31.0\"},{\"version\":\"67.0\"},{\"version\":\"69.0\"}]");
}

/* ----------------------------------------------------------------- reads */

TEST(wire, describes_once_and_says_the_nearest_name)
{
    can_usual();
    const struct crm_object *lead = salesforce_connector.describe(session, "lead", &err);
    CHECK_GOT(lead, &err);
    CHECK_STR(lead->name, "Lead");
    CHECK(crm_object_field(lead, "EMAIL") != NULL);
    CHECK(salesforce_connector.describe(session, "Lead", &err) == lead);
    CHECK_INT(session->calls, 1);
    CHECK_INT(session->limit_used, 25);
    CHECK_INT(session->limit_max, 15000);
    CHECK(session->server_date_ms > 0);
    CHECK(salesforce_connector.describe(session, "Acount", &err) == NULL);
    CHECK_STR(err.code, ERR_NOT_FOUND);
    CHECK_CONTAINS(err.hint, "Did you mean Account?");
    CHECK_INT(seen_with("Bearer first"), 4); /* with the version list and the list of names */
}

TEST(wire, takes_an_older_version_where_the_org_is_older)
{
    can("GET /services/data/v58.0/sobjects/Lead/describe", 200, lead_describe);
    can("GET /services/data/", 200, "[{\"version\":\"57.0\"},{\"version\":\"58.0\"}]");
    CHECK_GOT(salesforce_connector.describe(session, "Lead", &err), &err);
}

#define RECORD(id, stamp, rest)                                                                    \
    "{\"attributes\":{\"type\":\"Lead\",\"url\":\"/x\"},\"Id\":\"" id "\",\"SystemModstamp\":\"" stamp "\"," rest "}"
#define STAMP1 "2026-11-23T10:00:00.000+0000"
#define STAMP2 "2026-11-23T10:00:01.000+0000"

TEST(wire, reads_pages_in_select_order)
{
    const char *fields[] = {"Email", "Owner.Name", "Id", "Amount__c", "Address", "Email", "Owner.Alias"};
    struct crm_read read = {.object = "Lead", .fields = fields, .field_count = 7, .where = "Email != null"};
    struct crm_page page;
    can("GET /services/data/v66.0/query?q=", 200,
        "{\"totalSize\":3,\"done\":false,\"nextRecordsUrl\":\"/services/data/v66.0//query/0r8xx0AAA-2\",\"records\":["
        RECORD("00Q000000000001EAA", STAMP1, "\"Email\":\"a@b.co\",\"Owner\":{\"attributes\":{\"type\":\"User\"},"
               "\"Name\":\"Ann\",\"Alias\":\"ann\"},\"Amount__c\":1.5E3,\"Address\":{\"city\":\"Ulm\",\"street\":null}") ","
        RECORD("00Q000000000002EAA", STAMP1, "\"Email\":null,\"Owner\":null,\"Amount__c\":null,\"Address\":null") "]}");
    can("GET /services/data/v66.0/query/0r8xx0AAA-2", 200,
        "{\"totalSize\":3,\"done\":true,\"records\":["
        RECORD("00Q000000000003", STAMP2, "\"Amount__c\":2,\"Owner\":{\"Name\":\"Bob\"},\"Email\":\"c@d.ef\"") "]}");
    can_usual();
    struct crm_reader *reader = salesforce_connector.read_open(session, &read, &err);
    CHECK_GOT(reader, &err);
    CHECK_OK(salesforce_connector.read_next(reader, arena, &page, &err), &err);
    CHECK_INT(page.count, 2);
    CHECK_INT(page.total, 3);
    CHECK(!page.last);
    struct value *v = page.records[0].values;
    CHECK_STR(v[0].text, "a@b.co");
    CHECK_STR(v[1].text, "Ann");
    CHECK_STR(v[2].text, "00Q000000000001EAA");
    CHECK_STR(v[3].text, "1.5E3");
    CHECK_STR(v[4].text, "{\"city\":\"Ulm\",\"street\":null}");
    CHECK_STR(v[5].text, "a@b.co");
    CHECK_STR(v[6].text, "ann");
    CHECK_STR(page.records[0].stamp, STAMP1);
    CHECK(page.records[1].values[1].text == NULL && page.records[1].values[4].text == NULL);
    CHECK_OK(salesforce_connector.read_next(reader, arena, &page, &err), &err);
    CHECK_INT(page.total, -1);
    CHECK(page.last);
    CHECK_STR(page.records[0].values[0].text, "c@d.ef"); /* members out of order are found */
    CHECK_STR(page.records[0].values[1].text, "Bob");
    CHECK_INT(strlen(page.records[0].id), 18);
    CHECK_OK(salesforce_connector.read_next(reader, arena, &page, &err), &err);
    CHECK(page.last && page.count == 0);
    salesforce_connector.read_close(reader);
    CHECK_INT(session->calls, 3);
    CHECK_CONTAINS(seen_nth("/query?q=", 0), "SELECT%20Id%2C%20SystemModstamp%2C%20Email%2C%20Owner.Name%2C%20"
                                             "Owner.Alias%2C%20Amount__c%2C%20Address%20FROM%20Lead%20WHERE%20%28"
                                             "Email%20%21%3D%20null%29%20ORDER%20BY%20Id");
}

TEST(wire, a_lost_cursor_costs_one_page)
{
    const char *fields[] = {"Email"};
    struct crm_read read = {.object = "Lead", .fields = fields, .field_count = 1, .by_stamp = true,
                            .since_stamp = STAMP1, .since_id = "00Q000000000001EAA",
                            .until_ms = 1795428000000};
    struct crm_page page;
    can_times("GET /services/data/v66.0/query?q=", 200,
              "{\"totalSize\":2,\"done\":false,\"nextRecordsUrl\":\"/services/data/v66.0/query/01gX-1\",\"records\":["
              RECORD("00Q000000000005EAA", STAMP1, "\"Email\":\"a@b.co\"") "]}", 1);
    can("GET /services/data/v66.0/query/01gX-1", 400,
        "[{\"errorCode\":\"INVALID_QUERY_LOCATOR\",\"message\":\"invalid query locator\"}]");
    can("GET /services/data/v66.0/query?q=", 200,
        "{\"totalSize\":1,\"done\":true,\"records\":[" RECORD("00Q000000000006EAA", STAMP2, "\"Email\":null") "]}");
    can_usual();
    struct crm_reader *reader = salesforce_connector.read_open(session, &read, &err);
    CHECK_GOT(reader, &err);
    CHECK_OK(salesforce_connector.read_next(reader, arena, &page, &err), &err);
    CHECK_OK(salesforce_connector.read_next(reader, arena, &page, &err), &err);
    CHECK(page.last);
    CHECK_STR(page.records[0].id, "00Q000000000006EAA");
    salesforce_connector.read_close(reader);
    char *first = uri_decode(arena, seen_nth("/query?q=", 0), strlen(seen_nth("/query?q=", 0)), false, NULL);
    char *second = uri_decode(arena, seen_nth("/query?q=", 1), strlen(seen_nth("/query?q=", 1)), false, NULL);
    CHECK_CONTAINS(first, "WHERE ((SystemModstamp = 2026-11-23T10:00:00.000Z AND Id > '00Q000000000001EAA') OR "
                          "SystemModstamp > 2026-11-23T10:00:00.000Z) AND SystemModstamp < ");
    CHECK_CONTAINS(first, "ORDER BY SystemModstamp, Id");
    CHECK_CONTAINS(second, "Id > '00Q000000000005EAA'");
}

TEST(wire, a_read_is_tried_again_and_a_fault_ends_it)
{
    int64_t count = 0;
    can_times("GET /services/data/v66.0/query", 503, "<html>maintenance</html>", 1);
    cans[0].type = "text/html";
    can_times("GET /services/data/v66.0/query", 200, "{}", 1);
    cans[1].broken = HTTP_BREAK_BEFORE;
    can_times("GET /services/data/v66.0/query", 200, "<html>login</html>", 1);
    cans[2].type = "text/html";
    can_times("GET /services/data/v66.0/query", 200, "{\"totalSize\":17,\"done\":true,\"records\":[]}", 1);
    can("GET /services/data/v66.0/query", 400,
        "[{\"errorCode\":\"INVALID_FIELD\",\"message\":\"No such column 'Nope' on entity 'Lead'.\"}]");
    can_usual();
    CHECK_OK(salesforce_connector.count(session, "Lead", "Email = null", &count, &err), &err);
    CHECK_INT(count, 17);
    CHECK_INT(sleeps, 3);
    CHECK_FAIL(salesforce_connector.count(session, "Lead", NULL, &count, &err), &err, "sf.INVALID_FIELD");
    CHECK_CONTAINS(err.hint, "Field Permissions, Nope: tick Read Access");
    CHECK_INT(seen_with("/query?q="), 5);
}

TEST(wire, the_daily_limit_is_a_pause_and_not_hammered)
{
    int64_t count;
    can("GET /services/data/v66.0/query", 403,
        "[{\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\",\"message\":\"TotalRequests Limit exceeded.\"}]");
    can_usual();
    CHECK_FAIL(salesforce_connector.count(session, "Lead", NULL, &count, &err), &err, ERR_CRM_LIMIT);
    CHECK_INT(seen_with("/query?q="), 1);
}

/* ---------------------------------------------------------------- tokens */

#define STALE "[{\"errorCode\":\"INVALID_SESSION_ID\",\"message\":\"Session expired or invalid\"}]"

static const char *grant(const char *access, const char *refresh)
{
    return arena_printf(arena, "{\"access_token\":\"%s\",%s%s%s\"instance_url\":\"%s\",\"id\":"
                               "\"%s/id/00D000000000062EAA/005000000000001AAA\",\"token_type\":\"Bearer\"}",
                        access, refresh ? "\"refresh_token\":\"" : "", refresh ? refresh : "",
                        refresh ? "\"," : "", base_url, base_url);
}

TEST(wire, an_ended_session_is_renewed_once_and_kept_before_use)
{
    int64_t count = 0;
    can_times("GET /services/data/v66.0/query", 401, STALE, 1);
    can("GET /services/data/v66.0/query", 200, "{\"totalSize\":1,\"done\":true,\"records\":[]}");
    can("POST /services/oauth2/token", 200, grant("second", "rotated"));
    can_usual();
    CHECK_OK(salesforce_connector.count(session, "Lead", NULL, &count, &err), &err);
    CHECK_INT(saves, 1);
    CHECK_STR(secret_reveal(&vault.access), "second");
    CHECK_STR(secret_reveal(&vault.refresh), "rotated");
    CHECK_CONTAINS(seen_nth("/query?q=", 1), "Bearer second");
    CHECK_CONTAINS(seen_nth("POST /services/oauth2/token", 0), "refresh_token=fresh");
    CHECK_INT(seen_with("POST /services/oauth2/token"), 1);
}

TEST(wire, a_token_stored_by_another_process_is_taken_without_asking)
{
    int64_t count = 0;
    can_times("GET /services/data/v66.0/query", 401, STALE, 1);
    can("GET /services/data/v66.0/query", 200, "{\"totalSize\":1,\"done\":true,\"records\":[]}");
    can_usual();
    secret_set(&vault.access, "theirs", 6);
    CHECK_OK(salesforce_connector.count(session, "Lead", NULL, &count, &err), &err);
    CHECK_INT(seen_with("POST /services/oauth2/token"), 0);
    CHECK_INT(seen_with("Bearer theirs"), 1);
}

TEST(wire, a_gone_grant_wants_a_person)
{
    int64_t count;
    can("GET /services/data/v66.0/query", 401, STALE);
    can("POST /services/oauth2/token", 400,
        "{\"error\":\"invalid_grant\",\"error_description\":\"expired access/refresh token\"}");
    can_usual();
    CHECK_FAIL(salesforce_connector.count(session, "Lead", NULL, &count, &err), &err, ERR_CRM_RECONNECT);
    CHECK_CONTAINS(err.hint, "Connect again");
    CHECK_INT(seen_with("POST /services/oauth2/token"), 1);
}

TEST(wire, two_refreshers_meet_and_the_second_waits)
{
    int64_t count = 0;
    can_times("GET /services/data/v66.0/query", 401, STALE, 1);
    can("GET /services/data/v66.0/query", 200, "{\"totalSize\":1,\"done\":true,\"records\":[]}");
    can_times("POST /services/oauth2/token", 400,
              "{\"error\":\"invalid_grant\",\"error_description\":\"token request is already being processed\"}", 2);
    can("POST /services/oauth2/token", 200, grant("third", NULL));
    can_usual();
    CHECK_OK(salesforce_connector.count(session, "Lead", NULL, &count, &err), &err);
    CHECK_INT(sleeps, 2);
    CHECK_STR(secret_reveal(&vault.refresh), "fresh"); /* not rotated: the old one stays */
}

TEST(wire, some_refusals_never_start_a_refresh_loop)
{
    int64_t count;
    can("GET /services/data/v66.0/query", 401,
        "[{\"errorCode\":\"INVALID_SESSION_ID\",\"message\":\"This session is not valid for use with the REST API\"}]");
    can_usual();
    CHECK_FAIL(salesforce_connector.count(session, "Lead", NULL, &count, &err), &err, "sf.INVALID_SESSION_ID");
    CHECK_INT(seen_with("POST /services/oauth2/token"), 0);
    CHECK_CONTAINS(err.hint, "scope");
}

TEST(wire, another_org_behind_the_same_login_is_noticed)
{
    int64_t count;
    can("GET /services/data/v66.0/query", 401, STALE);
    can("POST /services/oauth2/token", 200,
        arena_printf(arena, "{\"access_token\":\"x\",\"instance_url\":\"%s\",\"id\":"
                            "\"https://login.salesforce.com/id/00D000000000099EAA/005000000000001AAA\"}", base_url));
    can_usual();
    CHECK_FAIL(salesforce_connector.count(session, "Lead", NULL, &count, &err), &err, ERR_CRM_WRONG_ORG);
    CHECK_INT(saves, 0);
}

TEST(wire, a_token_never_follows_an_instance_url_elsewhere)
{
    int64_t count;
    can("GET /services/data/v66.0/query", 401, STALE);
    can("POST /services/oauth2/token", 200,
        "{\"access_token\":\"x\",\"instance_url\":\"https://evil.example\",\"id\":\"\"}");
    can_usual();
    CHECK(salesforce_connector.count(session, "Lead", NULL, &count, &err) != OK);
    CHECK_CONTAINS(err.message, "evil.example is not a Salesforce host");
    CHECK_INT(saves, 0);
}

/* ---------------------------------------------------------------- lookup */

static struct crm_match *results[16];

static enum status look(const char *field, const struct value *keys, size_t rows)
{
    const char *match[] = {field};
    const char *fields[] = {"Id", "Company", "Owner.Name"};
    struct crm_lookup lookup = {.object = "Lead", .match_fields = match, .match_count = 1,
                                .return_fields = fields, .return_count = 3, .keys = keys, .row_count = rows};
    return salesforce_connector.lookup(session, &lookup, arena, results, &err);
}

TEST(wire, looks_up_many_keys_in_one_query)
{
    struct value keys[] = {{"A@b.co", 6}, {"a@B.co", 6}, {"o'x@b.co", 8}, VALUE_NULL, {" ", 1}, {"none@b.co", 9}};
    can("GET /services/data/v66.0/query?q=", 200,
        "{\"totalSize\":3,\"done\":true,\"records\":["
        "{\"attributes\":{},\"Id\":\"00Q000000000001EAA\",\"Email\":\"a@b.co\",\"Company\":\"Old\",\"Owner\":{\"attributes\":{},\"Name\":\"Ann\"}},"
        "{\"attributes\":{},\"Id\":\"00Q000000000002EAA\",\"Email\":\"A@B.CO\",\"Company\":\"New\",\"Owner\":null},"
        "{\"attributes\":{},\"Id\":\"00Q000000000003EAA\",\"Email\":\"O'X@b.co\",\"Company\":null,\"Owner\":null}]}");
    can_usual();
    CHECK_OK(look("Email", keys, 6), &err);
    CHECK_STR(results[0]->id, "00Q000000000001EAA");
    CHECK_STR(results[0]->record, "{\"Id\":\"00Q000000000001EAA\",\"Company\":\"Old\",\"Owner\":{\"Name\":\"Ann\"}}");
    CHECK_STR(results[0]->next->id, "00Q000000000002EAA");
    CHECK(results[1] == results[0]);
    CHECK_STR(results[2]->id, "00Q000000000003EAA");
    CHECK(!results[3] && !results[4] && !results[5]);
    CHECK_INT(session->calls, 2);
    char *sent = uri_decode(arena, seen_nth("/query?q=", 0), strlen(seen_nth("/query?q=", 0)), false, NULL);
    CHECK_CONTAINS(sent, "SELECT Id, Email, Company, Owner.Name FROM Lead WHERE (Email IN ('A@b.co','o\\'x@b.co',"
                         "'none@b.co')) ORDER BY CreatedDate, Id");
}

TEST(wire, a_failed_look_up_is_an_error_and_never_none)
{
    struct value keys[] = {{"a@b.co", 6}};
    can("GET /services/data/v66.0/query?q=", 400, "[{\"errorCode\":\"MALFORMED_QUERY\",\"message\":\"x\"}]");
    can_usual();
    CHECK_FAIL(look("Email", keys, 1), &err, "sf.MALFORMED_QUERY");
    CHECK_FAIL(look("Notes", keys, 1), &err, ERR_INVALID); /* not filterable */
    CHECK_FAIL(look("Emial", keys, 1), &err, ERR_NOT_FOUND);
    CHECK_CONTAINS(err.hint, "Did you mean Email?");
}

TEST(wire, a_record_that_cannot_be_placed_is_not_called_none)
{
    struct value keys[] = {{"stra\xC3\x9F" "e@b.co", 12}};
    can_times("GET /services/data/v66.0/query?q=", 200,
              "{\"totalSize\":1,\"done\":true,\"records\":[{\"Id\":\"00Q000000000001EAA\",\"Email\":"
              "\"stra\xC5\xBF" "e@b.co\",\"Company\":null,\"Owner\":null}]}", 1);
    can("GET /services/data/v66.0/query?q=", 200,
        "{\"totalSize\":1,\"done\":true,\"records\":[{\"Id\":\"00Q000000000001EAA\",\"Email\":"
        "\"wholly@other.co\",\"Company\":null,\"Owner\":null}]}");
    can_usual();
    CHECK_OK(look("Email", keys, 1), &err); /* loosely the same: placed */
    CHECK_GOT(results[0], &err);
    CHECK_FAIL(look("Email", keys, 1), &err, ERR_CRM_REFUSED);
    CHECK_CONTAINS(err.message, "00Q000000000001EAA");
}

TEST(wire, ten_thousand_keys_cost_two_calls)
{
    size_t n = 10000;
    struct value *keys = arena_array(arena, n, sizeof *keys);
    const char *match[] = {"Email"};
    struct crm_match **found = arena_array(arena, n, sizeof *found);
    struct buf body = BUF_INIT;
    struct crm_lookup lookup = {.object = "Lead", .match_fields = match, .match_count = 1, .keys = keys, .row_count = n};
    for (size_t i = 0; i < n; i++) {
        keys[i].text = arena_printf(arena, "somebody.with.a.name%zu@company.example", i);
        keys[i].len = (uint32_t)strlen(keys[i].text);
    }
    buf_str(&body, "{\"compositeResponse\":[");
    for (int i = 4; i >= 0; i--) /* in another order than asked */
        buf_printf(&body, "%s{\"referenceId\":\"q%d\",\"httpStatusCode\":200,\"httpHeaders\":{},\"body\":{\"totalSize\":0,"
                          "\"done\":true,\"records\":[]}}", i < 4 ? "," : "", i);
    buf_str(&body, "]}");
    can("POST /services/data/v66.0/composite", 200, buf_text(&body));
    can_usual();
    CHECK_OK(salesforce_connector.lookup(session, &lookup, arena, found, &err), &err);
    CHECK_INT(session->calls, 1 + 2);
    CHECK_INT(session->calls_one_each, 1 + 10000);
    buf_free(&body);
}

/* ----------------------------------------------------------------- writes */

static struct crm_outcome outcomes[1000];
static struct crm_write writes[1000];

static void given_writes(enum op_kind kind, size_t count)
{
    for (size_t i = 0; i < count; i++)
        writes[i] = (struct crm_write){
            .kind = kind, .object = "Lead", .key_field = kind == OP_UPDATE ? NULL : "Key__c",
            .id = kind == OP_UPDATE ? arena_printf(arena, "00Q%012zu", i) : NULL,
            .key_value = arena_printf(arena, "k%zu", i),
            .payload = kind == OP_CREATE ? arena_printf(arena, "{\"LastName\":\"n\\u00e9%zu\",\"Key__c\":\"k%zu\"}", i, i)
                                         : "{\"LastName\":\"x\"}"};
}

static void write_all(size_t count, bool harmless)
{
    struct crm_write_options options = {.resend_harmless = harmless, .timeout_ms = 5000};
    salesforce_connector.write(session, writes, count, &options, arena, outcomes);
}

/* O6: one attempt is one request, whatever happens to it. */
TEST(wire, one_attempt_is_one_request)
{
    static const struct { int status; const char *body, *type; enum http_break broken; enum crm_class class; } faults[] = {
        {200, "[{\"id\":\"00Q000000000001\",\"success\":true,\"errors\":[]}]", NULL, HTTP_BREAK_NONE, CRM_EXECUTED},
        {200, "[{\"id\":\"00Q000000000001\",\"success\":true,\"errors\":[]}]", NULL, HTTP_BREAK_BEFORE, CRM_UNKNOWN},
        {200, "[{\"id\":\"00Q000000000001\",\"success\":true,\"errors\":[]}]", NULL, HTTP_BREAK_MIDDLE, CRM_UNKNOWN},
        {503, "<html></html>", "text/html", HTTP_BREAK_NONE, CRM_UNKNOWN},
        {500, "[{\"errorCode\":\"UNKNOWN_EXCEPTION\",\"message\":\"x\"}]", NULL, HTTP_BREAK_NONE, CRM_UNKNOWN},
        {502, "", NULL, HTTP_BREAK_NONE, CRM_UNKNOWN},
        {429, "[{\"errorCode\":\"TOO_MANY\",\"message\":\"x\"}]", NULL, HTTP_BREAK_NONE, CRM_UNKNOWN},
        {403, "[{\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\",\"message\":\"x\"}]", NULL, HTTP_BREAK_NONE, CRM_PAUSE},
        {302, "", NULL, HTTP_BREAK_NONE, CRM_UNKNOWN},
        {401, STALE, NULL, HTTP_BREAK_NONE, CRM_NOT_EXECUTED},
    };
    for (int harmless = 0; harmless < 2; harmless++)
        for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
            can_count = 0;
            can("POST /services/data/v66.0/composite/sobjects", faults[i].status, faults[i].body);
            cans[0].type = faults[i].type;
            cans[0].broken = faults[i].broken;
            can("POST /services/oauth2/token", 200, grant("again", NULL));
            can_usual();
            given_writes(OP_CREATE, 1);
            writes[0].key_field = NULL;
            int before = seen_with("POST /services/data/v66.0/composite/sobjects");
            write_all(1, harmless);
            CHECK_INT(seen_with("POST /services/data/v66.0/composite/sobjects") - before, 1);
            CHECK_INT(outcomes[0].class, faults[i].class);
            CHECK(outcomes[0].evidence != NULL);
            CHECK_LACKS(outcomes[0].evidence, "first");
            CHECK_LACKS(outcomes[0].evidence, "again");
        }
}

TEST(wire, nobody_listens_so_nothing_was_executed)
{
    can_usual();
    CHECK_GOT(salesforce_connector.describe(session, "Lead", &err), &err);
    http_server_stop(server, 0);
    server = NULL;
    given_writes(OP_CREATE, 1);
    write_all(1, false);
    CHECK_INT(outcomes[0].class, CRM_NOT_EXECUTED);
}

TEST(wire, a_dead_session_is_renewed_for_the_next_attempt)
{
    can("PATCH /services/data/v66.0/composite/sobjects", 401, STALE);
    can("POST /services/oauth2/token", 200, grant("renewed", "next"));
    can_usual();
    given_writes(OP_UPDATE, 2);
    write_all(2, true);
    CHECK_INT(outcomes[0].class, CRM_NOT_EXECUTED);
    CHECK_INT(outcomes[1].class, CRM_NOT_EXECUTED);
    CHECK_STR(secret_reveal(&vault.access), "renewed");
    can_count = 0;
    can("POST /services/oauth2/token", 400,
        "{\"error\":\"invalid_grant\",\"error_description\":\"expired access/refresh token\"}");
    can("PATCH /services/data/v66.0/composite/sobjects", 401, STALE);
    write_all(2, true);
    CHECK_INT(outcomes[0].class, CRM_PAUSE);
    CHECK_STR(outcomes[0].code, ERR_CRM_RECONNECT);
}

TEST(wire, payload_bytes_travel_as_they_are)
{
    can("POST /services/data/v66.0/composite/sobjects", 200, "[{\"id\":\"00Q000000000001\",\"success\":true,\"errors\":[]}]");
    can("PATCH /services/data/v66.0/composite/sobjects/Lead/Key__c", 200,
        "[{\"id\":\"00Q000000000001\",\"success\":true,\"errors\":[],\"created\":true}]");
    can_usual();
    given_writes(OP_CREATE, 1);
    write_all(1, false);
    const char *sent = seen_nth("POST /services/data/v66.0/composite/sobjects", 0);
    CHECK_CONTAINS(sent, "{\"allOrNone\":false,\"records\":[{\"attributes\":{\"type\":\"Lead\"},\"LastName\":\"n\\u00e90\",\"Key__c\":\"k0\"}]}");
    CHECK_CONTAINS(sent, "allowSave=false");
    given_writes(OP_UPSERT, 1);
    write_all(1, false);
    CHECK(outcomes[0].created);
    CHECK_CONTAINS(seen_nth("PATCH ", 0), "{\"attributes\":{\"type\":\"Lead\"},\"Key__c\":\"k0\",\"LastName\":\"x\"}");
}

static const char *composite_answer(size_t count, int limit_part)
{
    struct buf body = BUF_INIT;
    buf_str(&body, "{\"compositeResponse\":[");
    for (size_t at = 0, part = 0; at < count; at += 200, part++) {
        size_t rows = count - at < 200 ? count - at : 200;
        buf_printf(&body, "%s{\"referenceId\":\"part%zu\",\"httpHeaders\":{},", part ? "," : "", part);
        if ((int)part == limit_part) {
            buf_str(&body, "\"httpStatusCode\":403,\"body\":[{\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\",\"message\":\"x\"}]}");
            continue;
        }
        buf_str(&body, "\"httpStatusCode\":200,\"body\":[");
        for (size_t i = 0; i < rows; i++)
            buf_printf(&body, "%s{\"id\":\"00Q%012zu\",\"success\":true,\"errors\":[]}", i ? "," : "", at + i);
        buf_str(&body, "]}");
    }
    buf_str(&body, "]}");
    const char *out = arena_strndup(arena, body.data, body.len);
    buf_free(&body);
    return out;
}

TEST(wire, a_thousand_records_are_one_call)
{
    can("POST /services/data/v66.0/composite", 200, composite_answer(1000, -1));
    can_usual();
    given_writes(OP_UPDATE, 1000);
    write_all(1000, true);
    CHECK_INT(session->calls, 1);
    CHECK_INT(session->calls_one_each, 1000);
    for (size_t i = 0; i < 1000; i++) {
        CHECK_INT(outcomes[i].class, CRM_EXECUTED);
        CHECK(strncmp(outcomes[i].id, writes[i].id, 15) == 0);
    }
    CHECK_CONTAINS(seen_nth("POST /services/data/v66.0/composite", 0),
                   "\"method\":\"PATCH\",\"url\":\"/services/data/v66.0/composite/sobjects\",\"referenceId\":\"part0\","
                   "\"httpHeaders\":{\"Sforce-Duplicate-Rule-Header\":\"allowSave=false\",\"Sforce-Auto-Assign\":\"FALSE\"}");
    CHECK_INT(salesforce_connector.write_cost(OP_UPDATE, 1000), 1);
    CHECK_INT(salesforce_connector.write_cost(OP_UPDATE, 1001), 2);
}

TEST(wire, each_part_of_a_composite_has_its_own_fate)
{
    can("POST /services/data/v66.0/composite", 200, composite_answer(450, 1));
    can_usual();
    given_writes(OP_UPDATE, 600); /* the answer lacks the last 150 rows */
    write_all(600, true);
    CHECK_INT(outcomes[0].class, CRM_EXECUTED);
    CHECK_INT(outcomes[200].class, CRM_PAUSE);
    CHECK_INT(outcomes[399].class, CRM_PAUSE);
    CHECK_INT(outcomes[400].class, CRM_UNKNOWN);
    CHECK_INT(outcomes[599].class, CRM_UNKNOWN);
}

TEST(wire, rows_that_share_a_key_or_make_no_sense_stay_here)
{
    can("POST /services/data/v66.0/composite/sobjects", 200, "[{\"id\":\"00Q000000000001\",\"success\":true,\"errors\":[]}]");
    can_usual();
    given_writes(OP_CREATE, 4);
    writes[1].key_value = "K0"; /* the same key in another case */
    writes[2].payload = "[1]";
    writes[3].payload = "{\"Id\":\"00Q000000000001\"}";
    write_all(4, false);
    CHECK_INT(outcomes[0].class, CRM_EXECUTED);
    CHECK_INT(outcomes[1].class, CRM_NOT_EXECUTED);
    CHECK_STR(outcomes[1].code, "connect.same_key");
    CHECK_INT(outcomes[2].class, CRM_REJECTED);
    CHECK_INT(outcomes[3].class, CRM_REJECTED);
}

/* --------------------------------------------------------------- sign-in */

static void can_signin(const char *scope, const char *sandbox)
{
    can("POST /services/oauth2/token", 200,
        arena_printf(arena, "{\"access_token\":\"tok\",\"refresh_token\":\"ref\",\"scope\":\"%s\",\"instance_url\":\"%s\","
                            "\"id\":\"%s/id/00D000000000062EAA/005000000000001AAA\"}", scope, base_url, base_url));
    can("GET /id/00D000000000062EAA/005000000000001AAA", 200,
        "{\"user_id\":\"005000000000001AAA\",\"organization_id\":\"00D000000000062EAA\",\"username\":\"ann@acme.com\"}");
    can("GET /services/data/v66.0/query?q=SELECT%20Id%2C%20Name%2C%20IsSandbox", 200,
        arena_printf(arena, "{\"totalSize\":1,\"done\":true,\"records\":[{\"Id\":\"00D000000000062EAA\",\"Name\":\"Acme\","
                            "\"IsSandbox\":%s}]}", sandbox));
    can_usual();
}

static enum status sign_in(struct connection *connection, struct crm_tokens *tokens)
{
    struct crm_signin signin = {.login_url = base_url, .client_id = "3MVG9", .redirect_uri = "http://localhost:1/cb"};
    CHECK_OK(salesforce_connector.signin_begin(&world, arena, &signin, &err), &err);
    enum status rc = salesforce_connector.signin_finish(&world, arena, &signin, "aPrx.code==", connection, tokens, &err);
    secret_wipe(&signin.verifier);
    return rc;
}

static void tokens_free(struct crm_tokens *tokens)
{
    secret_wipe(&tokens->access);
    secret_wipe(&tokens->refresh);
    secret_wipe(&tokens->client_secret);
}

TEST(wire, signs_in_and_learns_who_and_where)
{
    struct connection connection = {.name = "new"};
    struct crm_tokens tokens = {0};
    can_signin("api refresh_token id openid profile", "true");
    CHECK_OK(sign_in(&connection, &tokens), &err);
    CHECK_STR(connection.environment, "local");
    CHECK_STR(connection.org_name, "Acme");
    CHECK_STR(connection.org_id, "00D000000000062EAA");
    CHECK_STR(connection.username, "ann@acme.com");
    CHECK_STR(connection.instance_url, base_url);
    CHECK_STR(secret_reveal(&tokens.refresh), "ref");
    const char *exchange = seen_nth("POST /services/oauth2/token", 0);
    CHECK_CONTAINS(exchange, "code=aPrx.code%3D%3D");
    CHECK_CONTAINS(exchange, "code_verifier=");
    CHECK_INT(seen_with("POST /services/oauth2/token"), 1);
    tokens_free(&tokens);
}

TEST(wire, missing_scopes_are_said_with_the_click_that_adds_them)
{
    struct connection connection = {.name = "new"};
    struct crm_tokens tokens = {0};
    can_signin("id openid profile", "false");
    CHECK_FAIL(sign_in(&connection, &tokens), &err, ERR_CRM_REFUSED);
    CHECK_CONTAINS(err.message, "api refresh_token");
    CHECK_CONTAINS(err.hint, "Selected OAuth Scopes");
    CHECK_INT(seen_with("Bearer tok"), 0);
    tokens_free(&tokens);
}

TEST(wire, a_token_in_hand_makes_a_connection)
{
    struct connection connection = {.name = "ci"};
    struct crm_tokens tokens = {0};
    struct secret access = {0};
    secret_set(&access, "tok", 3);
    can("GET /services/oauth2/userinfo", 403, "Bad_OAuth_Token");
    can("GET /services/data/v66.0/query?q=SELECT%20Username", 200,
        "{\"totalSize\":1,\"done\":true,\"records\":[{\"Username\":\"bob@acme.com\"}]}");
    can("GET /services/data/v66.0/ ", 200, "");
    can_count--;
    can_signin("", "false");
    /* the API root holds the identity URL */
    memmove(&cans[1], &cans[0], (size_t)can_count * sizeof *cans);
    can_count++;
    cans[0] = (struct canned){.path = "GET /services/data/v66.0/", .status = 200, .times = 1,
                              .body = arena_printf(arena, "{\"identity\":\"%s/id/00D000000000062EAA/005000000000001AAA\"}", base_url)};
    CHECK_OK(salesforce_connector.signin_token(&world, arena, base_url, &access, &connection, &tokens, &err), &err);
    CHECK_STR(connection.user_id, "005000000000001AAA");
    CHECK_STR(connection.username, "bob@acme.com");
    CHECK_STR(secret_reveal(&tokens.access), "tok");
    tokens_free(&tokens);
    secret_wipe(&access);
}

TEST(wire, a_grant_that_is_gone_already_counts_as_revoked)
{
    struct connection connection = {.login_url = base_url};
    can("POST /services/oauth2/revoke", 400, "error=invalid_token");
    CHECK_OK(salesforce_connector.revoke(&world, &connection, &vault, &err), &err);
    CHECK_CONTAINS(seen_nth("revoke", 0), "token=fresh");
}
