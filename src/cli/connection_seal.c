/* connection_seal.c - `argil connection seal NAME OBJECT`. */
#include "cli/connection_priv.h"
#include "cli/remote.h"

#include "base/str.h"

struct sealed {
    struct crm_seal seal;
    bool sealed;
};

static enum status seal_here(struct cli *cli, const struct args *args, struct arena *arena,
                             struct sealed *out, struct err *err)
{
    struct cli_engine *open = cli_engine_open(cli, true);
    if (!open)
        return FAIL; /* printed already */
    enum status rc =
        engine_seal_object(&open->engine, arena, args->words[1], args->words[2],
                           args_has(args, "dry-run"), &out->seal, &out->sealed, err);
    cli_engine_close(open);
    return rc;
}

static void texts_of(const struct json *list, const char **out, size_t *count)
{
    json_each(text, list)
        if (*count < 8 && json_text(text))
            out[(*count)++] = json_text(text);
}

static enum status seal_far(struct cli *cli, const struct args *args, struct arena *arena,
                            struct sealed *out, struct err *err)
{
    const struct json *answer = NULL;
    struct remote *remote = remote_open(cli, err);
    const char *path = arena_printf(arena, "%s/seal",
                                    remote_path(arena, "connections", args->words[1], NULL));
    const char *body =
        arena_printf(arena, "{\"object\":\"%s\",\"dry_run\":%s}", args->words[2],
                     args_has(args, "dry-run") ? "true" : "false");
    enum status rc =
        remote ? remote_call(remote, arena, "POST", path, body, &answer, NULL, err) : FAIL;
    remote_close(remote);
    if (rc != OK)
        return FAIL;
    out->seal.object = json_get_text(answer, "object");
    out->seal.field = json_get_text(answer, "field");
    out->seal.there = json_get_bool(answer, "there", false);
    out->seal.why = json_get_text(answer, "why");
    out->sealed = json_get_bool(answer, "sealed", false);
    texts_of(json_get(answer, "steps"), out->seal.steps, &out->seal.step_count);
    texts_of(json_get(answer, "clicks"), out->seal.clicks, &out->seal.click_count);
    return OK;
}

static void print_json(const struct sealed *s)
{
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    jw_object(&w);
    jw_kv_text(&w, "object", s->seal.object);
    jw_kv_text(&w, "field", s->seal.field);
    jw_kv_bool(&w, "sealed", s->sealed);
    jw_kv_bool(&w, "there", s->seal.there);
    jw_key(&w, "steps");
    jw_array(&w);
    for (size_t i = 0; i < s->seal.step_count; i++)
        jw_text(&w, s->seal.steps[i]);
    jw_end_array(&w);
    jw_key(&w, "clicks");
    jw_array(&w);
    for (size_t i = 0; i < s->seal.click_count; i++)
        jw_text(&w, s->seal.clicks[i]);
    jw_end_array(&w);
    jw_kv_text(&w, "why", s->seal.why);
    jw_end_object(&w);
    puts(buf_text(&out));
    buf_free(&out);
}

static void print_text(const struct sealed *s, bool dry_run)
{
    const struct crm_seal *seal = &s->seal;
    if (seal->there)
        printf("%s has its key field %s already: creates on it are sealed.\n", seal->object,
               seal->field);
    if (seal->step_count)
        puts(dry_run ? "Would be made:" : "Made:");
    for (size_t i = 0; i < seal->step_count; i++)
        printf("  %s\n", seal->steps[i]);
    if (seal->click_count)
        printf("%s%sA person must do the rest:\n", seal->why ? seal->why : "",
               seal->why ? "\n" : "");
    for (size_t i = 0; i < seal->click_count; i++)
        printf("  %zu. %s\n", i + 1, seal->clicks[i]);
    if (!dry_run && !seal->there && !seal->click_count)
        printf(s->sealed ? "Columns that create %s records are sealed now.\n"
                         : "The org does not show the field to this user yet; look again with "
                           "argil column show.%.0s\n",
               seal->object);
}

int connection_seal(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    struct arena *arena = arena_new();
    struct sealed s = {0};
    bool dry_run = args_has(args, "dry-run");
    int rc;
    enum status status = cli->url ? seal_far(cli, args, arena, &s, &err)
                                  : seal_here(cli, args, arena, &s, &err);
    if (status != OK) {
        rc = err.code[0] ? cli_fail(cli, &err) : cli->failed;
    } else {
        if (cli->json)
            print_json(&s);
        else
            print_text(&s, dry_run);
        rc = s.sealed || dry_run ? EXIT_DONE : EXIT_ATTENTION;
    }
    arena_free(arena);
    return rc;
}
