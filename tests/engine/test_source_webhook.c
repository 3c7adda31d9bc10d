/* test_source_webhook.c - what others send is taken whole, durably, or not at all.
 * Guards engine/sources/webhook.c, json_rows.c. */
#include "engine/given_source.h"

#include "base/str.h"

#include <string.h>

EACH_TEST(given_begin, given_end)

static struct webhook_receipt receipt;

static void given_hook(const char *more)
{
    given_recipe("table: people\nsource:\n  webhook:\n    fields: [email, {company.name: Company}, "
                 "{age: {type: number}}]\n%s",
                 more);
}

static enum status post_as(const char *body, struct webhook_post post, struct webhook_gate *gate)
{
    post.table = "people";
    post.body = body;
    post.len = strlen(body);
    err_clear(&g.err);
    return source_webhook_accept(&g.engine, gate, &post, &receipt, &g.err);
}

static enum status post(const char *body)
{
    return post_as(body, (struct webhook_post){.trusted = true}, NULL);
}

TEST(webhook, takes_an_object_or_a_list)
{
    given_hook("  unique_by: email\n");
    CHECK_OK(post("{\"email\":\"a@x\",\"company\":{\"name\":\"Acme\"},\"age\":7,\"more\":1}"),
             &g.err);
    CHECK_INT(receipt.rows, 1);
    CHECK_OK(post("[{\"email\":\"b@x\"},{\"email\":\"a@x\",\"company\":{\"name\":\"Bolt\"}}]"),
             &g.err);
    CHECK_INT(receipt.added, 1);
    CHECK_INT(receipt.changed, 1);
    CHECK_STR(rows_now(), "a@x: a@x | Bolt | -\nb@x: b@x | - | -\n");
}

TEST(webhook, the_order_of_a_list_is_the_order_of_events)
{
    given_hook("  unique_by: email\n");
    CHECK_OK(post("[{\"email\":\"a@x\",\"age\":1},{\"email\":\"a@x\",\"age\":2}]"), &g.err);
    CHECK_STR(rows_now(), "a@x: a@x | - | 2\n");
}

TEST(webhook, a_bad_row_refuses_the_whole_delivery)
{
    static const struct {
        const char *body, *code, *words;
    } bad[] = {
        {"[{\"email\":\"a@x\"},{\"email\":\"b@x\",\"age\":\"old\"}]", "cell.type",
         "object 2: column age"},
        {"[{\"email\":\"a@x\"},{\"email\":\" \"}]", ERR_WEBHOOK_SHAPE,
         "object 2: a field of unique_by"},
        {"[{\"email\":\"a@x\"},7]", ERR_WEBHOOK_SHAPE, "object 2 of the list"},
        {"[]", ERR_WEBHOOK_SHAPE, "a JSON object or a list"},
        {"\"text\"", ERR_WEBHOOK_SHAPE, "a JSON object"},
        {"{\"email\":\"a@x\"} {}", "json.syntax", ""},
        {"", "json.syntax", ""},
        {"<html>", "json.syntax", ""},
        {"{\"email\":\"\\ud800\"}", "json.syntax", ""},
    };
    given_hook("  unique_by: email\n");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_FAIL(post(bad[i].body), &g.err, bad[i].code);
        CHECK_CONTAINS(g.err.message, bad[i].words);
        CHECK_STR(rows_now(), "");
    }
}

TEST(webhook, without_unique_by_each_object_is_a_row_and_a_repeat_is_not)
{
    given_hook("");
    CHECK_OK(post("[{\"email\":\"a@x\"},{\"email\":\"a@x\"}]"), &g.err);
    CHECK_OK(post("{\"email\":\"a@x\"}"), &g.err);
    CHECK_INT(people_now().row_count, 3);
    struct webhook_post named = {.trusted = true, .idempotency = "delivery-7"};
    CHECK_OK(post_as("{\"email\":\"b@x\"}", named, NULL), &g.err);
    CHECK_INT(receipt.added, 1);
    CHECK_OK(post_as("{\"email\":\"b@x\"}", named, NULL), &g.err);
    CHECK_INT(receipt.added, 0);
    CHECK_INT(people_now().row_count, 4);
}

TEST(webhook, wants_its_key_and_tells_strangers_nothing)
{
    struct webhook_post post = {0};
    given_hook("");
    CHECK_FAIL(post_as("{}", post, NULL), &g.err, ERR_WEBHOOK_KEY); /* none was made yet */
    struct secret key = {0}, second = {0};
    CHECK_OK(source_webhook_key(&g.engine, "people", NULL, &key, &g.err), &g.err);
    CHECK_INT(strlen(secret_reveal(&key)), 43);
    CHECK_FAIL(post_as("{}", post, NULL), &g.err, ERR_WEBHOOK_KEY);
    post.key = key;
    CHECK_OK(post_as("{\"email\":\"a@x\"}", post, NULL), &g.err);
    post.source = "other";
    CHECK_FAIL(post_as("{}", post, NULL), &g.err, ERR_WEBHOOK_KEY);
    post.source = NULL;
    CHECK_OK(source_webhook_key(&g.engine, "people", NULL, &second, &g.err), &g.err);
    CHECK_FAIL(post_as("{}", post, NULL), &g.err, ERR_WEBHOOK_KEY); /* the old key ended */
    secret_wipe(&key);
    secret_wipe(&second);
}

TEST(webhook, a_flood_is_told_to_wait)
{
    struct webhook_gate *gate = webhook_gate_new(g.world);
    struct webhook_post trusted = {.trusted = true};
    int taken = 0;
    given_recipe("table: people\nsource:\n  webhook: { fields: [email], rate_limit: 5/s }\n");
    for (int i = 0; i < 20; i++)
        taken += post_as("{\"email\":\"a@x\"}", trusted, gate) == OK;
    CHECK_INT(taken, 5);
    CHECK(err_is(&g.err, ERR_WEBHOOK_RATE));
    CHECK(receipt.retry_after_ms > 0 && receipt.retry_after_ms <= 201);
    CHECK_INT(people_now().row_count, 5);
    world_fake_advance(g.world, receipt.retry_after_ms);
    CHECK_OK(post_as("{\"email\":\"a@x\"}", trusted, gate), &g.err);
    CHECK_FAIL(post_as("{\"email\":\"a@x\"}", trusted, gate), &g.err, ERR_WEBHOOK_RATE);
    webhook_gate_free(gate);
}

TEST(webhook, too_much_at_once_is_refused)
{
    struct buf many = BUF_INIT;
    given_recipe("table: people\nsource:\n  webhook: { fields: [email], max_bytes: 100000 }\n");
    buf_str(&many, "[");
    for (int i = 0; i < 1001; i++)
        buf_printf(&many, "%s{\"email\":\"p%d@x\"}", i ? "," : "", i);
    buf_str(&many, "]");
    CHECK_FAIL(post(buf_text(&many)), &g.err, ERR_TOO_LARGE);
    for (int i = 0; i < 100000; i++)
        buf_char(&many, ' ');
    CHECK_FAIL(post(buf_text(&many)), &g.err, ERR_TOO_LARGE);
    CHECK_CONTAINS(g.err.message, "takes 100000");
    CHECK_INT(people_now().row_count, 0);
    buf_free(&many);
}

TEST(webhook, accepted_means_on_disk)
{
    given_hook("  unique_by: email\n");
    CHECK_OK(post("{\"email\":\"a@x\"}"), &g.err);
    given_reborn();
    CHECK_STR(rows_now(), "a@x: a@x | - | -\n");
}

TEST(webhook, new_rows_make_dependent_columns_due)
{
    given_recipe("table: people\nsource:\n  webhook: { fields: [email] }\n  unique_by: email\n"
                 "columns:\n  - name: Found\n    http: { url: \"https://x.org/{{email}}\" }\n");
    CHECK_OK(post("{\"email\":\"a@x\"}"), &g.err);
    CHECK_INT(receipt.made_due, 1);
    CHECK_INT(cell_state("Found", 1), CELL_DUE);
    CHECK_OK(post("{\"email\":\"a@x\"}"), &g.err);
    CHECK_INT(receipt.made_due, 0);
}

TEST(webhook, needs_a_list_of_fields)
{
    CHECK_CONTAINS(refused_recipe("table: people\nsource:\n  webhook: { fields: all }\n"),
                   "people.yaml:3:22 recipe.missing_key `webhook` needs a list of `fields`");
    CHECK_CONTAINS(
        refused_recipe("table: people\nsource:\n  webhook: { fields: [a], rate: 5/s }\n"),
        "people.yaml:3:27 recipe.unknown_key webhook has no option \"rate\"");
}

TEST(sync, of_a_webhook_alone_reads_nothing)
{
    given_hook("");
    CHECK_OK(sync_people(false), &g.err);
    CHECK(g.sync.complete);
}
