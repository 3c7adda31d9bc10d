/* webhook.c - rows that others send: one JSON object, or a list, a delivery.
 *
 * Order: may this webhook be used so often, is the key right, is the body what the
 * table can take; then all rows are stored in one transaction, and only then is
 * the delivery accepted. One bad row refuses the delivery: its sender is told
 * which and why, and may send it again.
 *
 * Without `unique_by` each object is a row of its own; the sender's idempotency
 * key makes a delivery that is sent twice the same rows. */
#include "engine/sources/json_rows.h"
#include "engine/sync_priv.h"

#include "base/map.h"
#include "base/str.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ROWS 1000
#define MOST_KEY  200 /* of an idempotency key */

static const struct kind_option options[] = {
    {"fields", OPT_SOURCE_FIELDS, true,
     "paths in the object: [email, {company.name: Company}]; $ is all of it", NULL, NULL, 0, 0},
    {"rate_limit", OPT_RATE, false, "most deliveries in a time", "10/s", NULL, 0, 0},
    {"max_bytes", OPT_INT, false, "longest delivery in bytes", "1048576", NULL, 1, 8388608},
};

/* ------------------------------------------------------------------- gate */

/* A bucket that fills at the rate and holds one span of it. */
struct bucket {
    double tokens;
    int64_t at_ms;
};

struct webhook_gate {
    struct world *world;
    pthread_mutex_t lock;
    struct map *buckets; /* source id -> struct bucket */
};

struct webhook_gate *webhook_gate_new(struct world *world)
{
    struct webhook_gate *gate = mem_alloc(sizeof *gate);
    gate->world = world;
    gate->buckets = map_new();
    pthread_mutex_init(&gate->lock, NULL);
    return gate;
}

void webhook_gate_free(struct webhook_gate *gate)
{
    if (!gate)
        return;
    void *bucket;
    for (size_t at = 0; map_next(gate->buckets, &at, NULL, &bucket);)
        free(bucket);
    map_free(gate->buckets);
    pthread_mutex_destroy(&gate->lock);
    free(gate);
}

static struct bucket *bucket_of(struct webhook_gate *gate, int64_t source_id, int requests)
{
    char key[32];
    snprintf(key, sizeof key, "%lld", (long long)source_id);
    struct bucket *bucket = map_get(gate->buckets, key);
    if (!bucket) {
        bucket = mem_alloc(sizeof *bucket);
        *bucket = (struct bucket){requests, gate->world->monotonic_ms(gate->world)};
        map_put(gate->buckets, key, bucket);
    }
    return bucket;
}

/* Takes one; otherwise how long until there is one. */
static int64_t gate_take(struct webhook_gate *gate, int64_t source_id, int requests, int64_t per_ms)
{
    int64_t wait = 0;
    pthread_mutex_lock(&gate->lock);
    struct bucket *bucket = bucket_of(gate, source_id, requests);
    int64_t now = gate->world->monotonic_ms(gate->world);
    bucket->tokens += (double)(now - bucket->at_ms) * requests / (double)per_ms;
    bucket->at_ms = now;
    if (bucket->tokens > requests)
        bucket->tokens = requests;
    if (bucket->tokens >= 1)
        bucket->tokens -= 1;
    else
        wait = (int64_t)((1 - bucket->tokens) * (double)per_ms / requests) + 1;
    pthread_mutex_unlock(&gate->lock);
    return wait;
}

/* -------------------------------------------------------------------- key */

static void label_of(const struct source *from, char label[64])
{
    snprintf(label, 64, "webhook:%lld", (long long)from->id);
}

/* The named source, or the only webhook of the table. */
static const struct source *webhook_of(const struct table *table, const char *name, struct err *err)
{
    const struct source *found = NULL;
    for (size_t i = 0; i < table->source_count; i++) {
        const struct source *s = &table->sources[i];
        if (!text_eq(s->kind, "webhook") || (name && !text_eq_nocase(s->name, name)))
            continue;
        if (found) {
            err_set(err, ERR_CONFLICT, "table \"%s\" has several webhooks", table->name);
            err_hint(err, "say which by its name");
            return NULL;
        }
        found = s;
    }
    if (!found)
        err_set(err, ERR_NOT_FOUND, "table \"%s\" has no webhook%s%s", table->name, name ? " " : "",
                name ? name : "");
    return found;
}

/* What a wrong key, a webhook without key and one that is not there have in common. */
static enum status not_yours(struct err *err)
{
    err_set(err, ERR_WEBHOOK_KEY, "there is no such webhook, or this is not its key");
    err_hint(err,
             "Send the key as: Authorization: Bearer KEY. A new one: argil source webhook TABLE");
    return FAIL;
}

static enum status check_key(struct engine *engine, const struct source *from,
                             const struct webhook_post *post, struct err *err)
{
    struct secret key = {0};
    struct err why = {0};
    char label[64];
    if (post->trusted)
        return OK;
    label_of(from, label);
    enum status rc = engine_unseal(engine, label, &key, &why);
    if (rc != OK && !err_is(&why, ERR_NOT_FOUND))
        *err = why;
    else if (rc != OK || !secret_is_set(&post->key) || !secret_equal(&key, &post->key))
        rc = not_yours(err);
    secret_wipe(&key);
    return rc;
}

enum status source_webhook_key(struct engine *engine, const char *table, const char *source,
                               struct secret *key, struct err *err)
{
    struct arena *arena = arena_new();
    struct table found;
    struct store *store = engine->store;
    unsigned char random[32];
    char label[64];
    const struct source *from = NULL;
    if (store->does->table_get(store, arena, table, &found, err) == OK)
        from = webhook_of(&found, source, err);
    enum status rc = from ? OK : FAIL;
    if (from) {
        engine->world->random(engine->world, random, sizeof random);
        const char *text = base64url_encode(arena, random, sizeof random);
        secret_set(key, text, strlen(text));
        label_of(from, label);
        rc = engine_seal(engine, label, key, err);
    }
    arena_free(arena);
    return rc;
}

/* ------------------------------------------------------------------- rows */

struct delivery {
    struct sync *sync;
    const struct webhook_post *post;
    struct json_rows rows;
    const char *prefix; /* of keys where unique_by does not make them */
};

static const char *key_of(struct delivery *d, const struct value *values, size_t at,
                          struct err *err)
{
    struct arena *arena = d->sync->job.arena;
    if (!d->rows.key_count)
        return arena_printf(arena, "%s:%zu", d->prefix, at + 1);
    const char *key = json_rows_key(&d->rows, values);
    if (!key)
        err_set(err, ERR_WEBHOOK_SHAPE,
                "object %zu: a field of unique_by is blank: nothing tells the row apart", at + 1);
    return key;
}

static enum status take_objects(struct delivery *d, const struct json *const *objects, size_t count,
                                struct err *err)
{
    struct sync *sync = d->sync;
    struct row_in *rows = arena_array(sync->job.arena, count + 1, sizeof *rows);
    for (size_t i = 0; i < count; i++) {
        struct value *values = arena_array(sync->job.arena, sync->field_count + 1, sizeof *values);
        if (json_rows_values(&d->rows, objects[i], values, err) != OK)
            return err_wrap(err, "object %zu", i + 1);
        const char *key = key_of(d, values, i, err);
        if (!key)
            return FAIL;
        rows[i] = (struct row_in){key, NULL, false, values, NULL};
    }
    return sync_store(sync, rows, count, NULL, false, err);
}

/* The objects of a body: itself, or those of a list. */
static enum status list_objects(struct delivery *d, const struct json *body,
                                const struct json ***out, size_t *count, struct err *err)
{
    size_t most = json_is(body, JSON_ARRAY) ? body->len : 1;
    if (most > MOST_ROWS)
        return err_set(err, ERR_TOO_LARGE, "a delivery holds %zu objects; %d are taken at once",
                       most, MOST_ROWS);
    *out = arena_array(d->sync->job.arena, most + 1, sizeof **out);
    *count = 0;
    if (json_is(body, JSON_OBJECT))
        (*out)[(*count)++] = body;
    if (json_is(body, JSON_ARRAY))
        json_each(item, body)
            (*out)[(*count)++] = item;
    for (size_t i = 0; i < *count; i++)
        if (!json_is((*out)[i], JSON_OBJECT))
            return err_set(err, ERR_WEBHOOK_SHAPE, "object %zu of the list is no object", i + 1);
    return *count ? OK
                  : err_set(err, ERR_WEBHOOK_SHAPE,
                            "the body must be a JSON object or a list of some");
}

static enum status take_body(struct delivery *d, struct err *err)
{
    struct sync *sync = d->sync;
    const struct json **objects = NULL;
    size_t count = 0;
    char uuid[37];
    if (json_rows_open(&d->rows, sync, err) != OK)
        return FAIL;
    const struct json *body = json_parse(sync->job.arena, d->post->body, d->post->len, err);
    if (!body || list_objects(d, body, &objects, &count, err) != OK)
        return FAIL;
    if (d->post->idempotency && strlen(d->post->idempotency) > MOST_KEY)
        return err_set(err, ERR_TOO_LARGE, "an idempotency key has at most %d characters",
                       MOST_KEY);
    uuid4(sync->job.engine->world, uuid);
    d->prefix = d->post->idempotency ? d->post->idempotency : uuid;
    return take_objects(d, objects, count, err);
}

/* -------------------------------------------------------------- accepting */

static enum status check_rate(const struct sync *sync, struct webhook_gate *gate,
                              struct webhook_receipt *receipt, struct err *err)
{
    const char *rate = json_get_text(sync->source, "rate_limit");
    int requests = 10;
    int64_t per_ms = 1000;
    rate_parse(rate, &requests, &per_ms);
    receipt->retry_after_ms = gate ? gate_take(gate, sync->from->id, requests, per_ms) : 0;
    if (!receipt->retry_after_ms)
        return OK;
    err_set(err, ERR_WEBHOOK_RATE, "this webhook takes %s deliveries; nothing was taken",
            rate ? rate : "10/s");
    err_hint(err,
             "Send it again in %lld ms, several objects in one delivery, or raise rate_limit "
             "in the recipe.",
             (long long)receipt->retry_after_ms);
    return FAIL;
}

static enum status check_size(const struct sync *sync, const struct webhook_post *post,
                              struct err *err)
{
    int64_t most = json_get_int(sync->source, "max_bytes", 1 << 20);
    if ((int64_t)post->len <= most)
        return OK;
    return err_set(err, ERR_TOO_LARGE, "the delivery has %zu bytes; this webhook takes %lld",
                   post->len, (long long)most);
}

/* The webhook's full name; who has not the key is not told whether it exists. */
static const char *find_webhook(struct engine *engine, struct arena *arena,
                                const struct webhook_post *post, struct err *err)
{
    struct table table;
    struct err why = {0};
    struct store *store = engine->store;
    const struct source *from = NULL;
    if (store->does->table_get(store, arena, post->table, &table, &why) == OK)
        from = webhook_of(&table, post->source, &why);
    if (!from && (post->trusted || !err_is(&why, ERR_NOT_FOUND)))
        *err = why;
    else if (!from)
        not_yours(err);
    return from ? from->name : NULL;
}

static enum status accept(struct engine *engine, struct webhook_gate *gate, const char *source,
                          const struct webhook_post *post, struct webhook_receipt *receipt,
                          struct err *err)
{
    struct sync sync;
    struct run_report unused = {0};
    struct sync_report part = {0};
    struct delivery d = {.sync = &sync, .post = post};
    enum status rc = sync_open(&sync, engine, post->table, source, &unused, &part, err);
    if (rc == OK)
        rc = check_key(engine, sync.from, post, err);
    if (rc == OK)
        rc = check_rate(&sync, gate, receipt, err);
    if (rc == OK)
        rc = check_size(&sync, post, err);
    if (rc == OK)
        rc = take_body(&d, err);
    if (rc == OK) {
        receipt->table_id = sync.table->table.id;
        receipt->rows = part.rows_read;
        receipt->added = part.counts.added + part.counts.revived;
        receipt->changed = part.counts.changed;
        receipt->made_due = part.counts.made_due + part.counts.due_again;
    }
    sync_close(&sync);
    return rc;
}

enum status source_webhook_accept(struct engine *engine, struct webhook_gate *gate,
                                  const struct webhook_post *post, struct webhook_receipt *receipt,
                                  struct err *err)
{
    struct arena *arena = arena_new();
    *receipt = (struct webhook_receipt){0};
    const char *source = find_webhook(engine, arena, post, err);
    enum status rc = source ? accept(engine, gate, source, post, receipt, err) : FAIL;
    arena_free(arena);
    return rc;
}

static void check_webhook(struct source_check *check)
{
    check->open = true;
}

const struct source_kind webhook_source = {
    .name = "webhook",
    .key = "webhook",
    .title = "Webhook",
    .help = "Takes JSON that others send to its address with its key: one object or a list a "
            "delivery. A delivery is accepted when its rows are on disk.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .key_rule = KEY_CHOICE,
    .every = "manual",
    .when_deleted = "keep",
    .check = check_webhook,
};
