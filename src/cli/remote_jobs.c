/* remote_jobs.c - work that a server does for us: ordered, watched, reported as if
 * it had been done here. Interrupting the command leaves the job to the server,
 * and says so. */
#include "cli/remote.h"

#include "base/str.h"

#include <string.h>

#define LOOK_EACH_MS 300

/* ---------------------------------------------------------------- watching */

struct watched {
    struct cli *cli;
    struct remote *remote;
    struct arena *arena;
    struct progress progress;
    const struct json *run; /* as last seen */
    int64_t id;
};

static bool is_under_way(const struct json *run)
{
    const char *state = json_get_text(run, "state");
    return text_eq(state, "queued") || text_eq(state, "running");
}

static void show_progress(struct watched *w)
{
    const struct json *at = json_get(w->run, "progress");
    const char *what = json_get_text(at, "what");
    if (what && w->progress.tick)
        w->progress.tick(w->progress.ctx, what, json_get_int(at, "done", 0),
                         json_get_int(at, "total", 0), (uint64_t)json_get_int(at, "calls", 0));
}

static enum status look(struct watched *w, struct err *err)
{
    arena_reset(w->arena);
    const char *path = arena_printf(w->arena, "/runs/%lld", (long long)w->id);
    return remote_call(w->remote, w->arena, "GET", path, NULL, &w->run, NULL, err);
}

/* Until the run has ended; its end as an error when it was not a good one. */
static enum status watch(struct watched *w, struct err *err)
{
    while (is_under_way(w->run)) {
        show_progress(w);
        if (atomic_load(&w->cli->stop))
            return err_set(err, ERR_STOPPED, "run %lld goes on at the server", (long long)w->id);
        w->cli->world->sleep_ms(w->cli->world, LOOK_EACH_MS);
        if (look(w, err) != OK)
            return FAIL;
    }
    const char *state = json_get_text(w->run, "state"), *error = json_get_text(w->run, "error");
    if (text_eq(state, "done"))
        return OK;
    return err_set(err, text_eq(state, "stopped") ? "run.ended_early" : "run.failed", "%s",
                   error ? error : state);
}

static enum status order(struct watched *w, const char *path, const char *body, struct err *err)
{
    if (remote_call(w->remote, w->arena, "POST", path, body, &w->run, NULL, err) != OK)
        return FAIL;
    w->id = json_get_int(w->run, "id", 0);
    return watch(w, err);
}

static enum status begin(struct watched *w, struct cli *cli, struct err *err)
{
    *w = (struct watched){.cli = cli, .arena = arena_new()};
    w->remote = remote_open(cli, err);
    progress_begin(cli, &w->progress);
    return w->remote ? OK : FAIL;
}

static void finish(struct watched *w)
{
    progress_end(w->cli);
    remote_close(w->remote);
    arena_free(w->arena);
}

/* ------------------------------------------------------------------- jobs */

static void read_sync(const struct watched *w, struct sync_report *out)
{
    const struct json *r = json_get(w->run, "report");
    const char *statement = json_get_text(r, "statement");
    *out = (struct sync_report){.run_id = w->id,
                                .full = json_get_bool(r, "full", false),
                                .complete = json_get_bool(r, "complete", false),
                                .rows_read = json_get_int(r, "rows_read", 0),
                                .remote_count = json_get_int(r, "remote_count", -1),
                                .rows_now = json_get_int(r, "rows_now", 0),
                                .refused = json_get_int(r, "refused", 0),
                                .calls = (uint64_t)json_get_int(r, "calls", 0),
                                .calls_one_each = (uint64_t)json_get_int(r, "calls_one_each", 0),
                                .as_of_ms = json_get_int(r, "as_of_ms", 0),
                                .took_ms = json_get_int(r, "took_ms", 0)};
    out->counts.added = json_get_int(r, "added", 0);
    out->counts.changed = json_get_int(r, "changed", 0);
    out->counts.unchanged = json_get_int(r, "unchanged", 0);
    out->counts.deleted = json_get_int(r, "deleted", 0);
    out->counts.revived = json_get_int(r, "revived", 0);
    out->counts.merged = json_get_int(r, "merged", 0);
    out->counts.echoes = json_get_int(r, "echoes", 0);
    out->counts.made_due = json_get_int(r, "made_due", 0);
    out->counts.repeats = json_get_int(r, "repeats", 0);
    snprintf(out->statement, sizeof out->statement, "%s", statement ? statement : "");
}

static const char *sync_body(struct arena *arena, const char *source, bool full)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_bool(&w, "full", full);
    if (source)
        jw_kv_text(&w, "source", source);
    jw_end_object(&w);
    const char *copy = arena_strdup(arena, buf_text(&text));
    buf_free(&text);
    return copy;
}

enum status remote_sync(struct cli *cli, const char *table, const char *source, bool full,
                        struct sync_report *report, struct err *err)
{
    struct watched w;
    enum status rc = begin(&w, cli, err);
    if (rc == OK)
        rc = order(&w, remote_path(w.arena, "tables", table, "syncs", NULL),
                   sync_body(w.arena, source, full), err);
    if (w.id)
        read_sync(&w, report);
    finish(&w);
    return rc;
}

static void read_reasons(const struct json *r, struct run_report *out)
{
    json_each(reason, json_get(r, "reasons"))
    {
        if (out->refusal_count == sizeof out->refusals / sizeof *out->refusals)
            break;
        struct refusal *to = &out->refusals[out->refusal_count++];
        const char *code = json_get_text(reason, "code"), *text = json_get_text(reason, "message");
        snprintf(to->code, sizeof to->code, "%s", code ? code : "");
        snprintf(to->message, sizeof to->message, "%s", text ? text : "");
        to->count = json_get_int(reason, "count", 0);
    }
}

static void read_run(const struct watched *w, struct run_report *out)
{
    const struct json *r = json_get(w->run, "report");
    *out = (struct run_report){.run_id = w->id,
                               .cells_computed = json_get_int(r, "computed", 0),
                               .cells_skipped = json_get_int(r, "skipped", 0),
                               .cells_no_result = json_get_int(r, "no_result", 0),
                               .cells_waiting = json_get_int(r, "waiting", 0),
                               .cells_error = json_get_int(r, "error", 0),
                               .looked_up = json_get_int(r, "looked_up", 0),
                               .created = json_get_int(r, "created", 0),
                               .adopted = json_get_int(r, "adopted", 0),
                               .updated = json_get_int(r, "updated", 0),
                               .upserted = json_get_int(r, "upserted", 0),
                               .deleted = json_get_int(r, "deleted", 0),
                               .converted = json_get_int(r, "converted", 0),
                               .unchanged = json_get_int(r, "unchanged", 0),
                               .repaired = json_get_int(r, "repaired", 0),
                               .refused = json_get_int(r, "refused", 0),
                               .rejected = json_get_int(r, "rejected", 0),
                               .in_doubt = json_get_int(r, "in_doubt", 0),
                               .retrying = json_get_int(r, "retrying", 0),
                               .planned = json_get_int(r, "planned", 0),
                               .sent_single = json_get_int(r, "sent_single", 0),
                               .sent_collections = json_get_int(r, "sent_collections", 0),
                               .sent_bulk = json_get_int(r, "sent_bulk", 0),
                               .bulk_jobs = json_get_int(r, "bulk_jobs", 0),
                               .write_calls = json_get_int(r, "write_calls", 0),
                               .http_requests = json_get_int(r, "http_requests", 0),
                               .cells_delayed = json_get_int(r, "delayed", 0),
                               .rows_sent = json_get_int(r, "rows_sent", 0),
                               .rows_tidied = json_get_int(r, "rows_tidied", 0),
                               .calls = (uint64_t)json_get_int(r, "calls", 0),
                               .calls_one_each = (uint64_t)json_get_int(r, "calls_one_each", 0),
                               .took_ms = json_get_int(r, "took_ms", 0),
                               .paused = json_get_bool(r, "paused", false)};
    read_reasons(r, out);
}

static const char *run_body(struct arena *arena, const struct run_options *options,
                            const char *rows)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    if (options->column)
        jw_kv_text(&w, "column", options->column);
    if (rows)
        jw_kv_text(&w, "rows", rows);
    if (options->limit > 0)
        jw_kv_int(&w, "first", options->limit);
    if (options->yes && !options->dry_run)
        jw_kv_bool(&w, "approve", true);
    if (options->force_new && !options->dry_run)
        jw_kv_bool(&w, "force_new", true);
    if (options->fresh && !options->dry_run)
        jw_kv_bool(&w, "fresh", true);
    jw_end_object(&w);
    const char *copy = arena_strdup(arena, buf_text(&text));
    buf_free(&text);
    return copy;
}

enum status remote_run(struct cli *cli, const char *table, const struct run_options *options,
                       const char *rows, struct run_report *report, struct err *err)
{
    struct watched w;
    enum status rc = begin(&w, cli, err);
    if (rc == OK)
        rc = order(&w,
                   remote_path(w.arena, "tables", table, options->dry_run ? "plans" : "runs", NULL),
                   run_body(w.arena, options, rows), err);
    if (w.id)
        read_run(&w, report);
    finish(&w);
    return rc;
}

/* ---------------------------------------------------------------- recipes */

static enum status recipe_body(struct arena *arena, const char *path, bool dry_run,
                               const char **out, struct err *err)
{
    struct buf recipe = BUF_UP_TO(4 * MIB), text = BUF_INIT;
    char piece[16384];
    size_t got;
    struct jw w;
    FILE *in = fopen(path, "r");
    if (!in)
        return err_set(err, ERR_IO, "cannot read the recipe %s: %m", path);
    while ((got = fread(piece, 1, sizeof piece, in)) > 0)
        buf_append(&recipe, piece, got);
    fclose(in);
    bool text_is_fine = !recipe.overflow && recipe.len && utf8_valid(recipe.data, recipe.len) &&
                        !memchr(recipe.data, 0, recipe.len);
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "recipe", buf_text(&recipe));
    jw_kv_bool(&w, "dry_run", dry_run);
    jw_end_object(&w);
    *out = arena_strdup(arena, buf_text(&text));
    buf_free(&text);
    buf_free(&recipe);
    return text_is_fine ? OK : err_set(err, "recipe.yaml", "%s is no text of at most 4 MiB", path);
}

static void read_plan(const struct json *answer, struct apply_plan *plan)
{
    plan->table_name = mem_strdup(json_get_text(answer, "table"));
    plan->creates = json_get_bool(answer, "creates", false);
    json_each(line, json_get(answer, "changes")) vec_push(&plan->lines, mem_strdup(line->text));
    plan->changes = !plan->creates && plan->lines.len > 0;
}

enum status remote_apply(struct cli *cli, const char *path, bool dry_run, struct apply_plan *plan,
                         err_list *errors, struct err *err)
{
    struct arena *arena = arena_new();
    struct remote *remote = remote_open(cli, err);
    const struct json *answer;
    const char *body;
    enum status rc = remote ? recipe_body(arena, path, dry_run, &body, err) : FAIL;
    if (rc == OK)
        rc = remote_call(remote, arena, "POST", "/recipes", body, &answer, errors, err);
    if (rc == OK)
        read_plan(answer, plan);
    remote_close(remote);
    arena_free(arena);
    return rc;
}

enum status remote_restore(struct cli *cli, const char *table, int64_t version, bool dry_run,
                           struct apply_plan *plan, err_list *errors, struct err *err)
{
    struct arena *arena = arena_new();
    struct remote *remote = remote_open(cli, err);
    const struct json *answer;
    const char *number = arena_printf(arena, "%lld", (long long)version);
    enum status rc = FAIL;
    if (remote)
        rc = remote_call(remote, arena, "POST",
                         remote_path(arena, "tables", table, "versions", number, "restore", NULL),
                         dry_run ? "{\"dry_run\":true}" : "{}", &answer, errors, err);
    if (rc == OK)
        read_plan(answer, plan);
    remote_close(remote);
    arena_free(arena);
    return rc;
}

/* ----------------------------------------------------------------- doctor */

static enum crm_verdict verdict_of(const char *name)
{
    for (int v = CRM_PASS; v < CRM_UNSURE; v++)
        if (text_eq(crm_verdict_name((enum crm_verdict)v), name))
            return (enum crm_verdict)v;
    return CRM_UNSURE;
}

enum status remote_doctor(struct cli *cli, struct arena *arena, const char *connection,
                          struct crm_findings *out, struct err *err)
{
    struct remote *remote = remote_open(cli, err);
    const struct json *answer;
    enum status rc = FAIL;
    if (remote)
        rc = remote_call(remote, arena, "POST",
                         remote_path(arena, "connections", connection, "doctor", NULL), NULL,
                         &answer, NULL, err);
    if (rc == OK) {
        const struct json *list = json_get(answer, "findings");
        out->items = arena_array(arena, (list ? list->len : 0) + 1, sizeof *out->items);
        json_each(f, list)
            out->items[out->count++] = (struct crm_finding){
                .check = json_get_text(f, "check"),
                .verdict = verdict_of(json_get_text(f, "verdict")),
                .evidence = json_get_text(f, "evidence"),
                .cause = json_get_text(f, "cause"),
                .fix = json_get_text(f, "fix"),
                .who = json_get_text(f, "who")};
    }
    remote_close(remote);
    return rc;
}
