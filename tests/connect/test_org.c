/* test_org.c - the connector against localorg, the real program.
 *
 * One localorg serves all tests of this file; each test makes what it needs
 * and takes its faults away. LOCALORG names the program (set by meson). */
#include "base/mem.h"
#include "base/str.h"
#include "connect/real_org.h"

#include <string.h>

static struct crm_session *session;

static void start(void)
{
    arena = arena_new();
    err_clear(&err);
    world = *world_real();
    world.sleep_ms = org_no_sleep;
    sleeps = 0;
    org_start();
    if (!connection.org_id)
        org_connect();
    session = salesforce_connector.open(&world, &connection, &org_store, &err);
    CHECK_GOT(session, &err);
}

static void stop(void)
{
    org_faults_end();
    salesforce_connector.close(session);
    session = NULL;
    arena_free(arena);
}
EACH_TEST(start, stop)

static int64_t org_calls(void)
{
    return json_int(json_path(org_control("GET", "/localorg/stats", NULL), "api_calls.used"), -1);
}

static int64_t count_of(const char *object, const char *where)
{
    int64_t count = -1;
    CHECK_OK(salesforce_connector.count(session, object, where, &count, &err), &err);
    return count;
}

/* ------------------------------------------------------- sign-in, describe */

TEST(org, signed_in_through_its_pages)
{
    CHECK_STR(connection.environment, "local");
    CHECK_STR(connection.username, json_get_text(org_ready, "username"));
    CHECK_INT(strlen(connection.org_id), 18);
    CHECK(sf_scopes_missing(arena, SF_SCOPES, connection.scopes) == NULL);
    CHECK(secret_is_set(&vault.refresh));
}

TEST(org, a_token_in_hand_will_do)
{
    struct connection other = {.name = "token"};
    struct crm_tokens tokens = {0};
    struct secret access = {0};
    const char *text = json_get_text(org_ready, "access_token");
    secret_set(&access, text, strlen(text));
    struct crm_signin signin = {.login_url = json_get_text(org_ready, "url"),
                                .insecure_host = "127.0.0.1"};
    CHECK_OK(salesforce_connector.signin_token(world_real(), arena, &signin, &access, &other,
                                               &tokens, &err),
             &err);
    CHECK_STR(other.org_id, connection.org_id);
    CHECK_STR(other.username, connection.username);
    secret_wipe(&access);
    secret_wipe(&tokens.access);
}

TEST(org, describe_and_names)
{
    const char *const *names;
    size_t count;
    CHECK_OK(salesforce_connector.objects(session, &names, &count, &err), &err);
    CHECK(count > 20);
    const struct crm_object *lead = salesforce_connector.describe(session, "Lead", &err);
    CHECK_GOT(lead, &err);
    CHECK_STR(lead->key_prefix, "00Q");
    const struct crm_field *key = crm_object_field(lead, "Lead_Key__c");
    CHECK(key && key->unique && key->external_id && key->length == 36);
    CHECK(crm_object_field(lead, "Status")->choice_count > 1);
    CHECK(salesforce_connector.describe(session, "Leed", &err) == NULL);
    CHECK_CONTAINS(err.hint, "Did you mean Lead?");
}

/* ------------------------------------------------------------------ reads */

static size_t read_all(const struct crm_read *read, bool check_order)
{
    struct crm_page page;
    char last_stamp[64] = "", last_id[19] = "";
    size_t count = 0;
    struct crm_reader *reader = salesforce_connector.read_open(session, read, &err);
    CHECK_GOT(reader, &err);
    do {
        CHECK_OK(salesforce_connector.read_next(reader, arena, &page, &err), &err);
        for (size_t i = 0; i < page.count; i++) {
            const struct crm_record *r = &page.records[i];
            int order = read->by_stamp ? strcmp(last_stamp, r->stamp) : 0;
            if (check_order)
                CHECK(order < 0 || (order == 0 && strcmp(last_id, r->id) < 0));
            snprintf(last_stamp, sizeof last_stamp, "%s", r->stamp);
            snprintf(last_id, sizeof last_id, "%s", r->id);
        }
        count += page.count;
    } while (!page.last);
    salesforce_connector.read_close(reader);
    return count;
}

TEST(org, reads_every_record_once_in_small_pages)
{
    const char *fields[] = {"Name", "Website", "Owner.Name", "NumberOfEmployees", "BillingAddress"};
    struct crm_read read = {.object = "Account", .fields = fields, .field_count = 5};
    int64_t count = count_of("Account", NULL);
    CHECK(count >= 1000);
    org_fault("{\"path\":\"/query\",\"effect\":\"small_pages\",\"page_size\":200}");
    CHECK_INT(read_all(&read, true), count);
    read.by_stamp = true;
    read.until_ms = world_real()->now_ms(world_real()) + 1000000;
    CHECK_INT(read_all(&read, true), count);
    read.where = "Website != null";
    CHECK_INT(read_all(&read, true), count_of("Account", "Website != null"));
}

TEST(org, a_read_survives_lost_cursors_and_faults)
{
    const char *fields[] = {"Name"};
    struct crm_read read = {.object = "Contact", .fields = fields, .field_count = 1};
    int64_t count = count_of("Contact", NULL);
    org_fault("[{\"path\":\"/query\",\"effect\":\"small_pages\",\"page_size\":200},"
          "{\"path\":\"/query/0r8\",\"every\":4,\"effect\":\"status\",\"status\":400,"
          "\"body\":\"[{\\\"errorCode\\\":\\\"INVALID_QUERY_LOCATOR\\\",\\\"message\\\":"
          "\\\"invalid query locator\\\"}]\"},"
          "{\"path\":\"/"
          "query\",\"every\":5,\"effect\":\"status\",\"status\":503,\"body\":\"<html>\",\"content_"
          "type\":\"text/html\"},"
          "{\"path\":\"/query\",\"every\":7,\"effect\":\"drop_before\"},"
          "{\"path\":\"/query\",\"every\":11,\"effect\":\"cut\"},"
          "{\"path\":\"/query/0r8\",\"nth\":6,\"effect\":\"expire_token\"}]");
    CHECK_INT(read_all(&read, true), count);
    read.by_stamp = true;
    CHECK_INT(read_all(&read, true), count);
}

TEST(org, an_incremental_read_starts_after_its_place)
{
    const char *fields[] = {"Name"};
    struct crm_page page;
    struct crm_read read = {.object = "Lead", .fields = fields, .field_count = 1, .by_stamp = true};
    org_fault("{\"path\":\"/query\",\"effect\":\"small_pages\",\"page_size\":250}");
    int64_t count = count_of("Lead", NULL);
    struct crm_reader *reader = salesforce_connector.read_open(session, &read, &err);
    CHECK_GOT(reader, &err);
    CHECK_OK(salesforce_connector.read_next(reader, arena, &page, &err), &err);
    CHECK_INT(page.total, count);
    read.since_stamp = page.records[page.count - 1].stamp;
    read.since_id = page.records[page.count - 1].id;
    size_t first = page.count;
    salesforce_connector.read_close(reader);
    CHECK_INT(read_all(&read, true), count - (int64_t)first);
}

/* Every plain field of the object, as a user may ask for them. */
static size_t plain_fields(const char *name, const char **fields)
{
    const struct crm_object *object = salesforce_connector.describe(session, name, &err);
    CHECK_GOT(object, &err);
    size_t n = 0;
    for (size_t i = 0; i < object->field_count; i++)
        if (!text_eq(object->fields[i].type, "address") &&
            !text_eq(object->fields[i].type, "location"))
            fields[n++] = object->fields[i].name;
    fields[n++] = "Owner.Name";
    fields[n++] = "CreatedBy.CreatedDate";
    return n;
}

/* All records of a read by Id: "Id value value ...". */
static struct map *read_lines(const struct crm_read *read)
{
    struct map *lines = map_new();
    struct crm_page page;
    struct crm_reader *reader = salesforce_connector.read_open(session, read, &err);
    CHECK_GOT(reader, &err);
    do {
        CHECK_OK(salesforce_connector.read_next(reader, arena, &page, &err), &err);
        for (size_t i = 0; i < page.count; i++) {
            const struct crm_record *r = &page.records[i];
            struct buf line = BUF_INIT;
            buf_printf(&line, "%s %d", r->stamp, r->deleted);
            for (size_t k = 0; k < read->field_count; k++)
                buf_printf(&line, "|%s", r->values[k].text ? r->values[k].text : "(null)");
            CHECK(!map_has(lines, r->id));
            map_put(lines, r->id, arena_strdup(arena, buf_text(&line)));
            buf_free(&line);
        }
    } while (!page.last);
    CHECK_INT(page.missing, 0);
    salesforce_connector.read_close(reader);
    return lines;
}

TEST(bulk, gives_every_value_as_pages_do)
{
    static const char *const objects[] = {"Account", "Contact", "Opportunity", "Lead"};
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        const char *fields[500], *id;
        void *line;
        size_t at = 0;
        struct crm_read read = {.object = objects[i], .fields = fields, .all_rows = true};
        read.field_count = plain_fields(objects[i], fields);
        struct map *pages = read_lines(&read);
        read.transport = CRM_TRANSPORT_BULK;
        struct map *bulk = read_lines(&read);
        CHECK(map_count(pages) > 20);
        CHECK_INT(map_count(bulk), map_count(pages));
        while (map_next(pages, &at, &id, &line))
            CHECK_STR(map_get(bulk, id), line);
        map_free(pages);
        map_free(bulk);
    }
}

TEST(bulk, survives_faults)
{
    const char *fields[] = {"Name"};
    struct crm_read read = {
        .object = "Contact", .fields = fields, .field_count = 1, .transport = CRM_TRANSPORT_BULK};
    org_fault("[{\"path\":\"/jobs/query\",\"nth\":1,\"effect\":\"drop_after\"},"
          "{\"path\":\"/results\",\"nth\":1,\"effect\":\"cut\"},"
          "{\"path\":\"/results\",\"nth\":2,\"effect\":\"status\",\"status\":503,\"body\":\"busy\"},"
          "{\"path\":\"/results\",\"nth\":3,\"effect\":\"expire_token\"},"
          "{\"path\":\"/results\",\"nth\":4,\"effect\":\"drop_before\"}]");
    struct map *lines = read_lines(&read);
    org_faults_end();
    CHECK_INT(map_count(lines), count_of("Contact", NULL));
    CHECK(sleeps >= 3);
    map_free(lines);
}

TEST(org, more_fields_than_a_url_holds)
{
    const struct crm_object *account = salesforce_connector.describe(session, "Account", &err);
    const char **fields = arena_array(arena, 2000, sizeof *fields);
    size_t n = 0;
    struct buf where = BUF_INIT;
    CHECK_GOT(account, &err);
    for (size_t i = 0; i < account->field_count; i++)
        fields[n++] = account->fields[i].name;
    buf_str(&where, "Id != null");
    while (where.len < 14000)
        buf_printf(&where, " AND Name != 'no account is called like this %zu'", where.len);
    struct crm_read read = {
        .object = "Account", .fields = fields, .field_count = n, .where = buf_text(&where)};
    CHECK_INT(read_all(&read, true), count_of("Account", NULL));
    buf_free(&where);
}

/* ---------------------------------------------------------------- look-ups */

/* Looks up `rows` addresses, of which the first are Leads' own; gives how many those are. */
static size_t look_up_addresses(size_t rows, struct crm_match **results)
{
    const char *fields[] = {"Email"}, *match[] = {"Email"},
               *give[] = {"Id", "Status", "Owner.Name"};
    struct crm_read read = {
        .object = "Lead", .fields = fields, .field_count = 1, .where = "Email != null"};
    struct crm_page page;
    struct crm_reader *reader = salesforce_connector.read_open(session, &read, &err);
    CHECK_GOT(reader, &err);
    CHECK_OK(salesforce_connector.read_next(reader, arena, &page, &err), &err);
    struct value *keys = arena_array(arena, rows, sizeof *keys);
    for (size_t i = 0; i < rows; i++) {
        if (i < page.count) {
            char *upper =
                arena_strndup(arena, page.records[i].values[0].text, page.records[i].values[0].len);
            for (char *c = upper; i % 2 && *c; c++)
                *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
            keys[i] = (struct value){upper, page.records[i].values[0].len};
        } else {
            keys[i].text = arena_printf(arena, "nobody.o'%zu@nowhere.example", i);
            keys[i].len = (uint32_t)strlen(keys[i].text);
        }
    }
    salesforce_connector.read_close(reader);
    struct crm_lookup lookup = {.object = "Lead",
                                .match_fields = match,
                                .match_count = 1,
                                .return_fields = give,
                                .return_count = 3,
                                .keys = keys,
                                .row_count = rows};
    CHECK_OK(salesforce_connector.lookup(session, &lookup, arena, results, &err), &err);
    for (size_t i = 0; i < rows; i++)
        CHECK((results[i] != NULL) == (i < page.count));
    return page.count;
}

TEST(org, looks_up_by_email_for_few_calls)
{
    struct crm_match **results = arena_array(arena, 10000, sizeof *results);
    uint64_t calls = session->calls;
    int64_t org = org_calls();
    look_up_addresses(10000, results);
    CHECK(session->calls - calls <= 6);
    CHECK_INT(org_calls() - org, session->calls - calls);
    CHECK_CONTAINS(results[0]->record, "\"Owner\":{\"Name\":");
}

/* Several calls are under way together: what one of them meets is asked for once more. */
TEST(org, a_look_up_in_several_calls_survives_faults)
{
    static const char *const met[] = {
        "{\"path\":\"/composite\",\"effect\":\"drop_after\",\"times\":1}",
        "{\"path\":\"/composite\",\"effect\":\"cut\",\"times\":2}",
        "{\"path\":\"/composite\",\"effect\":\"html\",\"status\":200,\"times\":1}",
        "{\"path\":\"/composite\",\"nth\":2,\"effect\":\"expire_token\",\"times\":1}",
        "{\"path\":\"/query\",\"effect\":\"small_pages\",\"page_size\":200}",
    };
    struct crm_match **results = arena_array(arena, 12000, sizeof *results);
    for (size_t i = 0; i < sizeof met / sizeof *met; i++) {
        org_fault(met[i]);
        CHECK(look_up_addresses(12000, results) > 0);
        org_faults_end();
    }
}

TEST(org, several_fields_and_parts_of_values)
{
    const char *match[] = {"LastName", "Company"}, *give[] = {"Name"}, *name[] = {"Name"};
    struct crm_write_options options = {0};
    struct crm_outcome out;
    struct crm_write create = {
        .kind = OP_CREATE,
        .object = "Lead",
        .payload = "{\"LastName\":\"O'Dell 100%_\\\\x\",\"Company\":\"Look \\u00c4 GmbH\"}"};
    salesforce_connector.write(session, &create, 1, &options, arena, &out);
    CHECK_INT(out.class, CRM_EXECUTED);
    struct value keys[] = {
        {"o'dell 100%_\\X", 14}, {"look \xC3\x84 gmbh", 12}, {"O'Dell", 6}, {"Look", 4}};
    struct crm_match *results[2];
    struct crm_lookup lookup = {.object = "Lead",
                                .match_fields = match,
                                .match_count = 2,
                                .return_fields = give,
                                .return_count = 1,
                                .keys = keys,
                                .row_count = 2};
    CHECK_OK(salesforce_connector.lookup(session, &lookup, arena, results, &err), &err);
    CHECK(results[0] && !results[1]);
    CHECK_STR(results[0]->id, out.id);
    struct value parts[] = {{"dell 100%_\\", 11}, {"dell 100x", 9}};
    lookup.match_fields = name;
    lookup.match_count = 1;
    lookup.contains = true;
    lookup.keys = parts;
    CHECK_OK(salesforce_connector.lookup(session, &lookup, arena, results, &err), &err);
    CHECK(results[0] && !results[1]);
    CHECK_STR(results[0]->id, out.id);
}

/* ------------------------------------------------------------------ writes */

static struct crm_write *leads(enum op_kind kind, size_t count, const char *prefix)
{
    struct crm_write *writes = arena_array(arena, count, sizeof *writes);
    for (size_t i = 0; i < count; i++) {
        const char *key = arena_printf(arena, "%s%zu", prefix, i);
        writes[i] = (struct crm_write){
            .kind = kind, .object = "Lead", .key_field = "Lead_Key__c", .key_value = key};
        writes[i].payload = arena_printf(
            arena, "{\"LastName\":\"%s\",\"Company\":\"%s Ltd\",\"Lead_Key__c\":\"%s\"}", key, key,
            key);
    }
    return writes;
}

static struct crm_outcome *write_all(const struct crm_write *writes, size_t count)
{
    struct crm_write_options options = {.resend_harmless = true};
    struct crm_outcome *outcomes = arena_array(arena, count, sizeof *outcomes);
    salesforce_connector.write(session, writes, count, &options, arena, outcomes);
    return outcomes;
}

TEST(org, creates_updates_and_upserts_a_thousand)
{
    struct crm_write *writes = leads(OP_CREATE, 1000, "bulk");
    int64_t before = count_of("Lead", NULL), org = org_calls();
    struct crm_outcome *made = write_all(writes, 1000);
    CHECK_INT(org_calls() - org, 1);
    for (size_t i = 0; i < 1000; i++)
        CHECK_INT(made[i].class, CRM_EXECUTED);
    CHECK_INT(count_of("Lead", NULL), before + 1000);

    struct crm_write *updates = leads(OP_UPDATE, 250, "bulk");
    for (size_t i = 0; i < 250; i++) {
        updates[i].id = made[i].id;
        updates[i].key_field = NULL;
        updates[i].payload = "{\"Title\":\"Touched\"}";
    }
    updates[7].id = "00Q000000000zzz";
    struct crm_outcome *touched = write_all(updates, 250);
    for (size_t i = 0; i < 250; i++)
        CHECK_INT(touched[i].class, i == 7 ? CRM_REJECTED : CRM_EXECUTED);
    CHECK_INT(count_of("Lead", "Title = 'Touched'"), 249);

    struct crm_write *upserts = leads(OP_UPSERT, 300, "bulk9");
    for (size_t i = 0; i < 300; i++)
        upserts[i].payload = arena_printf(arena, "{\"LastName\":\"U\",\"Company\":\"U%zu\"}", i);
    struct crm_outcome *up = write_all(upserts, 300);
    size_t created = 0;
    for (size_t i = 0; i < 300; i++) {
        CHECK_INT(up[i].class, CRM_EXECUTED);
        CHECK(up[i].id != NULL);
        created += up[i].created;
    }
    CHECK(created > 0 && created < 300); /* bulk90..bulk99 and bulk900..bulk999 were there */
    CHECK_INT(count_of("Lead", NULL), before + 1000 + (int64_t)created);
}

TEST(org, a_second_create_with_our_key_is_told_who_was_first)
{
    struct crm_write *one = leads(OP_CREATE, 1, "twice");
    const char *id = write_all(one, 1)[0].id;
    struct crm_outcome *again = write_all(one, 1);
    CHECK_INT(again->class, CRM_EXISTS);
    CHECK_STR(again->other_id, id);
    CHECK_STR(again->code, "DUPLICATE_VALUE");
}

TEST(org, lost_answers_are_unknown_and_what_was_not_sent_is_safe)
{
    int64_t before = count_of("Lead", NULL);
    org_fault("{\"path\":\"/composite/sobjects\",\"effect\":\"drop_after\",\"times\":1}");
    CHECK_INT(write_all(leads(OP_CREATE, 3, "lost"), 3)[2].class, CRM_UNKNOWN);
    CHECK_INT(count_of("Lead", NULL), before + 3);
    struct crm_outcome *again = write_all(leads(OP_CREATE, 3, "lost"), 3);
    CHECK_INT(again[0].class, CRM_EXISTS);
    org_fault("{\"path\":\"/composite/sobjects\",\"effect\":\"drop_before\",\"times\":1}");
    CHECK_INT(write_all(leads(OP_CREATE, 1, "never"), 1)->class, CRM_UNKNOWN);
    org_fault("{\"path\":\"/composite/sobjects\",\"effect\":\"cut\",\"times\":1}");
    CHECK_INT(write_all(leads(OP_CREATE, 20, "cut"), 20)[0].class, CRM_UNKNOWN);
    org_fault("{\"path\":\"/composite/"
          "sobjects\",\"effect\":\"status\",\"status\":500,\"processed\":true,\"times\":1}");
    CHECK_INT(write_all(leads(OP_CREATE, 1, "five"), 1)->class, CRM_UNKNOWN);
    org_fault("{\"path\":\"/composite/sobjects\",\"effect\":\"html\",\"status\":200,\"times\":1}");
    CHECK_INT(write_all(leads(OP_CREATE, 1, "page"), 1)->class, CRM_UNKNOWN);
    org_fault("{\"path\":\"/composite/sobjects\",\"effect\":\"limit_exceeded\",\"times\":1}");
    CHECK_INT(write_all(leads(OP_CREATE, 1, "limit"), 1)->class, CRM_PAUSE);
    CHECK_INT(count_of("Lead", "Lead_Key__c LIKE 'limit%' OR Lead_Key__c LIKE 'never%'"), 0);
}

TEST(org, an_expired_token_costs_one_attempt)
{
    org_fault("{\"path\":\"/composite/sobjects\",\"effect\":\"expire_token\",\"times\":1}");
    CHECK_INT(write_all(leads(OP_CREATE, 1, "expired"), 1)->class, CRM_NOT_EXECUTED);
    CHECK_INT(write_all(leads(OP_CREATE, 1, "expired"), 1)->class, CRM_EXECUTED);
}

TEST(org, locked_rows_may_be_sent_again)
{
    struct crm_write *one = leads(OP_CREATE, 1, "locked");
    const char *id = write_all(one, 1)[0].id;
    org_fault(arena_printf(arena, "{\"effect\":\"lock_rows\",\"ids\":\"%s\",\"times\":1}", id));
    struct crm_write update = {
        .kind = OP_UPDATE, .object = "Lead", .id = id, .payload = "{\"Title\":\"x\"}"};
    CHECK_INT(write_all(&update, 1)->class, CRM_NOT_EXECUTED);
    CHECK_INT(write_all(&update, 1)->class, CRM_EXECUTED);
}

TEST(org, duplicate_rules_hold_unless_overridden)
{
    struct crm_write_options options = {0}, override = {.duplicate_override = true};
    struct crm_outcome first, second, third;
    struct crm_write lead = {
        .kind = OP_CREATE,
        .object = "Lead",
        .payload = "{\"LastName\":\"Twin\",\"FirstName\":\"Tom\",\"Company\":\"Twins Ltd\","
                   "\"Email\":\"tom.twin@twins.example\"}"};
    salesforce_connector.write(session, &lead, 1, &options, arena, &first);
    salesforce_connector.write(session, &lead, 1, &options, arena, &second);
    salesforce_connector.write(session, &lead, 1, &override, arena, &third);
    CHECK_INT(first.class, CRM_EXECUTED);
    CHECK_INT(second.class, CRM_REJECTED);
    CHECK_STR(second.code, "DUPLICATES_DETECTED");
    CHECK_INT(third.class, CRM_EXECUTED);

    /* the same inside a composite, whose parts carry their own headers */
    struct crm_write *many = arena_array(arena, 201, sizeof *many);
    struct crm_outcome *outcomes = arena_array(arena, 201, sizeof *outcomes);
    for (size_t i = 0; i < 201; i++) {
        many[i] = lead;
        many[i].payload =
            i == 200 ? lead.payload
                     : arena_printf(arena, "{\"LastName\":\"Solo%zu\",\"Company\":\"S%zu\"}", i, i);
    }
    salesforce_connector.write(session, many, 201, &options, arena, outcomes);
    CHECK_INT(outcomes[0].class, CRM_EXECUTED);
    CHECK_STR(outcomes[200].code, "DUPLICATES_DETECTED");
    salesforce_connector.write(session, many, 201, &override, arena, outcomes);
    CHECK_INT(outcomes[200].class, CRM_EXECUTED);
}

/* Every value that check lets pass is one that the org takes. */
TEST(org, what_check_lets_pass_is_taken)
{
    static const struct {
        const char *field, *value;
    } tries[] = {{"Email", " x.y@z.example "},
                 {"Phone", "+49 (0) 89 1"},
                 {"Website", "https://a.example"},
                 {"AnnualRevenue", "$1,234.50"},
                 {"NumberOfEmployees", "5.0"},
                 {"LastName", "O'Dell \"x\" \xF0\x9F\x98\x80"},
                 {"HasOptedOutOfEmail", "yes"},
                 {"Description", "a\nb"},
                 {"Rating", "hot"},
                 {"Title", ""},
                 {"Status", "Nope!"},
                 {"LastName", ""},
                 {"Email", "bad"},
                 {"NumberOfEmployees", "1,234"},
                 {"IsConverted", "true"},
                 {"OwnerId", "001D000000IqhSL"}};
    const struct crm_object *lead = salesforce_connector.describe(session, "Lead", &err);
    CHECK_GOT(lead, &err);
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        const struct crm_field *field = crm_object_field(lead, tries[i].field);
        struct value value = {tries[i].value, (uint32_t)strlen(tries[i].value)};
        const char *json = NULL;
        CHECK(field != NULL);
        if (salesforce_connector.check(session, lead, field, OP_UPDATE, value, arena, &json,
                                       &err) == CRM_CHECK_REFUSED) {
            CHECK(text_starts(err.code, "refused.") && err.hint[0]);
            continue;
        }
        struct crm_write *made = leads(OP_CREATE, 1, arena_printf(arena, "check%zu-", i));
        struct crm_outcome *out = write_all(made, 1);
        CHECK_INT(out->class, CRM_EXECUTED);
        struct crm_write update = {.kind = OP_UPDATE,
                                   .object = "Lead",
                                   .id = out->id,
                                   .payload =
                                       arena_printf(arena, "{\"%s\":%s}", tries[i].field, json)};
        out = write_all(&update, 1);
        if (out->class != CRM_EXECUTED)
            fprintf(stderr, "%s = %s: %s %s\n", tries[i].field, json, out->code, out->message);
        CHECK_INT(out->class, CRM_EXECUTED);
    }
}

/* ----------------------------------------------------------------- access */

TEST(org, what_the_user_may_not_see_is_said_with_the_permission)
{
    const char *fields[] = {"Rating"};
    struct crm_read read = {.object = "Lead", .fields = fields, .field_count = 1};
    org_control("POST", "/localorg/users",
            arena_printf(
                arena,
                "{\"username\":\"%s\",\"deny\":[{\"object\":\"Lead\",\"field\":\"Rating\","
                "\"access\":[\"read\",\"update\"]},"
                "{\"object\":\"Lead\",\"field\":\"Title\",\"access\":[\"create\",\"update\"]}]}",
                connection.username));
    struct crm_reader *reader = salesforce_connector.read_open(session, &read, &err);
    CHECK(reader == NULL);
    CHECK_CONTAINS(err.hint, "Rating: tick Read Access");
    const struct crm_object *lead = salesforce_connector.describe(session, "Lead", &err);
    const char *json;
    struct value value = {"Boss", 4};
    CHECK_INT(salesforce_connector.check(session, lead, crm_object_field(lead, "Title"), OP_UPDATE,
                                         value, arena, &json, &err),
              CRM_CHECK_REFUSED);
    CHECK_CONTAINS(err.hint, "Title: tick Edit Access");
    int64_t count;
    CHECK_FAIL(salesforce_connector.count(session, "Lead", "Rating = 'Hot'", &count, &err), &err,
               "sf.INVALID_FIELD");
    CHECK_CONTAINS(err.hint, "Rating: tick Read Access");
    org_control(
        "POST", "/localorg/users",
        arena_printf(arena,
                     "{\"username\":\"%s\",\"allow\":[{\"object\":\"Lead\",\"field\":\"Rating\"},"
                     "{\"object\":\"Lead\",\"field\":\"Title\"}]}",
                     connection.username));
}
