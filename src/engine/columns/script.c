/* script.c - a program of the owner's computes a batch of rows: JSON lines in,
 * JSON lines out.
 *
 *     in    {"id":12,"input":{"domain":"acme.example"}}
 *     out   {"id":12,"value":{"size":40}}        or  {"id":12,"error":"no such firm"}
 *
 * Only programs in DATA/scripts are run, named without a path: whoever may edit
 * recipes cannot bring one in, whoever runs argil puts it there. The environment is
 * PATH, LANG and TZ, and what `env` names; nothing is on the command line but `args`
 * as the recipe has them. Every row of the batch may be sent again after a crash, so
 * a script that acts must be able to bear it. */
#include "engine/columns/http_request.h"
#include "engine/columns/script_child.h"

#include "base/map.h"
#include "base/str.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENV_MOST 64

static const struct kind_option options[] = {
    {"run", OPT_TEXT, true, "a program in the directory `scripts` of the data directory", NULL,
     NULL, 0, 0},
    {"args", OPT_TEXT_LIST, false, "words on its command line, as they are", "none", NULL, 0, 0},
    {"input", OPT_TEMPLATE_MAP, true, "what a line holds: names and what they get", NULL, NULL, 0,
     0},
    {"env", OPT_TEMPLATE_MAP, false,
     "further variables of its environment; {{secret:name}} reads the vault", "none", NULL, 0, 0},
    {"timeout", OPT_INT, false, "seconds for a batch", "60", NULL, 1, 3600},
    {"batch", OPT_INT, false, "rows at a time at most", "200", NULL, 1, 1000},
    {"max_bytes", OPT_INT, false, "longest output of a batch in bytes", "16777216", NULL, 1,
     268435456},
};

/* ---------------------------------------------------------------- checking */

static bool plain_name(const char *name)
{
    return name && *name && *name != '.' && !strchr(name, '/');
}

static const char *scripts_of(struct arena *arena, const struct engine *engine)
{
    return engine->data ? arena_printf(arena, "%s/scripts", engine->data) : NULL;
}

/* Is it there, a file, executable, and not writable by everybody? */
static enum status find_program(struct arena *arena, const struct engine *engine, const char *name,
                                const char **path, struct err *err)
{
    const char *scripts = scripts_of(arena, engine);
    struct stat st;
    if (!plain_name(name)) {
        err_set(err, "script.name", "\"%s\" is no plain name of a program", name ? name : "");
        err_hint(err, "name a file of the directory `scripts`, without a path");
        return FAIL;
    }
    if (!scripts)
        return err_set(err, ERR_INVALID, "scripts need a data directory");
    *path = arena_printf(arena, "%s/%s", scripts, name);
    if (stat(*path, &st) || !S_ISREG(st.st_mode) || access(*path, X_OK)) {
        err_set(err, "script.missing", "there is no program \"%s\" in the directory %s", name,
                scripts);
        err_hint(err, "whoever runs argil puts it there and makes it executable (chmod +x)");
        return FAIL;
    }
    if (st.st_mode & S_IWOTH) {
        err_set(err, "script.writable", "everybody may write to %s: it is not run", *path);
        err_hint(err, "chmod o-w");
        return FAIL;
    }
    return OK;
}

static void check_env(struct kind_check *check)
{
    json_each(member, json_get(check->config, "env")) {
        char where[200];
        snprintf(where, sizeof where, "env/%s", member->key);
        if (!*member->key || strchr(member->key, '=') || text_starts(member->key, "LD_"))
            kind_check_fail(check, where, "script.env", "`%s` is no variable a script may get",
                            member->key);
        struct formula_ref *refs = NULL;
        struct err err = {0};
        if (formula_refs(check->arena, json_text(member), &refs, &err) != OK)
            continue; /* told with the references */
        for (; refs; refs = refs->next)
            if (!text_starts(refs->text, "secret:"))
                kind_check_fail(check, where, "script.env",
                                "`env` is for the whole batch: {{%s}} differs by row", refs->text);
    }
}

static void validate(struct kind_check *check)
{
    struct err err = {0};
    const char *path;
    const struct json *env = json_get(check->config, "env");
    if (find_program(check->arena, check->engine, json_get_text(check->config, "run"), &path,
                     &err) != OK)
        err_hint(kind_check_fail(check, "run", err.code, "%s", err.message), "%s", err.hint);
    if (env && env->len > ENV_MOST)
        kind_check_fail(check, "env", "script.env", "more than %d variables", ENV_MOST);
    check_env(check);
}

/* ------------------------------------------------------------------- input */

static enum status put_input(struct column_batch *batch, size_t i, struct jw *w, struct err *err)
{
    jw_object(w);
    json_each(member, json_get(batch->config, "input")) {
        struct template t;
        struct value value;
        jw_key(w, member->key);
        if (template_make(batch->arena, member, &t, err) != OK)
            return FAIL;
        if (t.whole) {
            const char *json = batch_ref_json(batch, i, t.whole);
            jw_raw(w, json, strlen(json));
        } else if (t.constant) {
            jw_value(w, member);
        } else if (template_fill(batch, i, &t, SLOT_PLAIN, &value, err) == OK) {
            jw_text_n(w, value.text, value.len);
        } else {
            return FAIL;
        }
    }
    jw_end_object(w);
    return OK;
}

/* Lines of the rows [from, to); those that cannot be made are settled. */
static void put_lines(struct column_batch *batch, size_t from, size_t to, struct buf *lines)
{
    for (size_t i = from; i < to; i++) {
        struct err err = {0};
        struct buf line = BUF_INIT;
        struct jw w;
        jw_init(&w, &line);
        jw_object(&w);
        jw_kv_int(&w, "id", batch->rows[i].id);
        jw_key(&w, "input");
        if (put_input(batch, i, &w, &err) == OK) {
            jw_end_object(&w);
            buf_append(lines, line.data, line.len);
            buf_char(lines, '\n');
        } else {
            batch_error(batch, i, CELL_ERROR, &err);
        }
        buf_free(&line);
    }
}

/* ------------------------------------------------------------------ output */

static size_t row_at(const struct column_batch *batch, size_t from, size_t to, int64_t id)
{
    for (size_t i = from; i < to; i++)
        if (batch->rows[i].id == id && batch->results[i].state == CELL_DUE)
            return i;
    return to;
}

static void take_line(struct column_batch *batch, size_t from, size_t to, const char *line,
                      size_t len)
{
    const struct json *json = json_parse(batch->arena, line, len, NULL);
    const struct json *error = json_get(json, "error");
    size_t i = row_at(batch, from, to, json_get_int(json, "id", -1));
    if (i == to)
        return; /* of no row that waits: told with the rows that stay without an answer */
    if (!json_is_null(error))
        batch_fail(batch, i, CELL_ERROR, "script.error", "%s",
                   json_as_text(batch->arena, error).text);
    else if (json_is_null(json_get(json, "value")))
        batch_no_result(batch, i);
    else
        batch_json(batch, i, json_get(json, "value"));
}

static void take_lines(struct column_batch *batch, size_t from, size_t to, const struct buf *output)
{
    const char *at = buf_text(output), *end = at + output->len;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((stop ? stop : end) - at);
        if (len)
            take_line(batch, from, to, at, len);
        at += len + 1;
    }
}

/* Rows that the script said nothing of. */
static void take_silence(struct column_batch *batch, size_t from, size_t to,
                         const struct script_child *child, const struct err *why)
{
    for (size_t i = from; i < to; i++) {
        if (batch->results[i].state != CELL_DUE)
            continue;
        if (why)
            batch_error(batch, i, CELL_ERROR, why);
        else
            batch_fail(batch, i, CELL_ERROR, "script.no_answer",
                       "the script ended (exit code %d) without a line for this row%s%s",
                       child->exit_code, *child->complaint ? ": " : "", child->complaint);
    }
}

/* ----------------------------------------------------------------- running */

struct script {
    struct column_batch *batch;
    const struct http_secret *secrets;
    const char *program;
    char **argv, **environment;
};

static const char *secret_json(void *ctx, const char *ref)
{
    struct script *s = ctx;
    struct buf text = BUF_INIT;
    struct jw w;
    const char *json = NULL;
    for (const struct http_secret *secret = s->secrets; secret; secret = secret->next) {
        if (!text_starts(ref, "secret:") || !text_eq(secret->name, ref + strlen("secret:")))
            continue;
        jw_init(&w, &text);
        jw_text(&w, secret_reveal(&secret->value));
        json = arena_strndup(s->batch->arena, buf_text(&text), text.len);
        buf_wipe(&text);
    }
    return json;
}

static enum status make_environment(struct script *s, struct err *err)
{
    struct arena *arena = s->batch->arena;
    size_t count = 0;
    s->environment = arena_array(arena, ENV_MOST + 4, sizeof *s->environment);
    s->environment[count++] = "PATH=/usr/local/bin:/usr/bin:/bin";
    s->environment[count++] = "LANG=C.UTF-8";
    s->environment[count++] = "TZ=UTC";
    json_each(member, json_get(s->batch->config, "env")) {
        char *value = NULL;
        if (count == ENV_MOST + 3)
            break; /* more were refused when the recipe was applied */
        if (formula_fill(arena, json_text(member), SLOT_PLAIN, secret_json, s, &value, NULL, err) !=
            OK)
            return FAIL;
        s->environment[count++] = arena_printf(arena, "%s=%s", member->key, value);
    }
    return OK;
}

static void make_argv(struct script *s)
{
    const struct json *args = json_get(s->batch->config, "args");
    size_t count = 0;
    s->argv = arena_array(s->batch->arena, (args ? args->len : 0) + 3, sizeof *s->argv);
    s->argv[count++] = arena_strdup(s->batch->arena, json_get_text(s->batch->config, "run"));
    if (json_is(args, JSON_STRING))
        s->argv[count++] = arena_strdup(s->batch->arena, json_text(args));
    else
        json_each(arg, args)
            s->argv[count++] = arena_strdup(s->batch->arena, json_text(arg));
}

static enum status run_part(struct script *s, size_t from, size_t to, struct err *err)
{
    struct column_batch *batch = s->batch;
    struct engine *engine = batch->job->engine;
    struct buf lines = BUF_INIT;
    struct err why = {0};
    put_lines(batch, from, to, &lines);
    struct script_child child = {
        .program = s->program,
        .argv = s->argv,
        .environment = s->environment,
        .directory = scripts_of(batch->arena, engine),
        .input = buf_text(&lines),
        .input_len = lines.len,
        .timeout_ms = json_get_int(batch->config, "timeout", 60) * 1000,
        .most_output = (size_t)json_get_int(batch->config, "max_bytes", 16 << 20),
        .stop = engine->stop,
    };
    enum status rc = script_child_run(&child, &why);
    if (child.output.data)
        http_secrets_hide(s->secrets, child.output.data, child.output.len);
    http_secrets_hide(s->secrets, child.complaint, strlen(child.complaint));
    http_secrets_hide(s->secrets, why.message, strlen(why.message));
    bool stopped = rc != OK && err_is(&why, ERR_STOPPED);
    if (!stopped) {
        take_lines(batch, from, to, &child.output);
        take_silence(batch, from, to, &child, rc == OK ? NULL : &why);
    }
    buf_free(&child.output);
    buf_wipe(&lines);
    if (stopped)
        *err = why;
    return stopped ? FAIL : OK;
}

static enum status run_all(struct script *s, struct err *err)
{
    struct column_batch *batch = s->batch;
    size_t part = (size_t)json_get_int(batch->config, "batch", 200);
    for (size_t at = 0; at < batch->count; at += part) {
        size_t to = batch->count - at < part ? batch->count : at + part;
        if (engine_stopping(batch->job->engine)) {
            for (size_t i = at; i < batch->count; i++)
                batch->stored[i] = true; /* stays due */
            return OK;
        }
        struct err stopped = {0};
        if (run_part(s, at, to, &stopped) != OK)
            for (size_t i = at; i < to; i++)
                batch->stored[i] = batch->results[i].state == CELL_DUE;
    }
    return OK;
}

static enum status execute(struct column_batch *batch, struct err *err)
{
    struct script s = {.batch = batch};
    struct http_secret *secrets = NULL;
    struct engine *engine = batch->job->engine;
    if (batch->job->options->dry_run) {
        for (size_t i = 0; i < batch->count; i++)
            batch->stored[i] = true;
        batch->job->report->planned += (int64_t)batch->count;
        return OK;
    }
    if (find_program(batch->arena, engine, json_get_text(batch->config, "run"), &s.program, err) !=
            OK ||
        http_secrets_open(engine, batch->arena, json_get(batch->config, "env"), &secrets, err) !=
            OK) {
        http_secrets_wipe(secrets);
        return FAIL;
    }
    s.secrets = secrets;
    make_argv(&s);
    enum status rc = make_environment(&s, err);
    if (rc == OK)
        rc = run_all(&s, err);
    http_secrets_wipe(secrets);
    return rc;
}

const struct column_kind script_column = {
    .name = "script",
    .title = "Script",
    .help = "Runs a program of the owner's over a batch of rows: a JSON line a row in, one out.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .type = TYPE_JSON,
    .costs = true,
    .batch_rows = 1000,
    .validate = validate,
    .execute = execute,
};
