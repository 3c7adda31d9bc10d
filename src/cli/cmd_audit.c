/* cmd_audit.c - `argil audit`: who did what, whether its chain holds, and everything that
 * was written to an org, for whoever must answer for it. */
#include "cli/cli.h"

#include "base/str.h"
#include "base/when.h"
#include "store/store_audit.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 2000

static int verify(struct cli *cli, struct store *store)
{
    struct err err = {0};
    int64_t lines = 0;
    if (store->does->audit_verify(store, &lines, &err) != OK)
        return cli_fail(cli, &err);
    if (cli->json)
        printf("{\"holds\":true,\"lines\":%lld}\n", (long long)lines);
    else
        printf("The chain of all %s lines holds: none was changed, taken out or put in.\n",
               thousands(lines));
    return EXIT_DONE;
}

static int list(struct cli *cli, struct store *store, struct arena *arena, const struct args *args)
{
    static const char *const headings[] = {"line", "when", "who", "what", "detail"};
    struct err err = {0};
    struct audit_line *lines = NULL;
    size_t count = 0;
    int64_t limit = 50;
    if (!cli_number(cli, args, "limit", &limit))
        return EXIT_USAGE;
    struct audit_query query = {.who = args_get(args, "who"), .limit = (size_t)limit};
    if (store->does->audit->list(store, arena, &query, &lines, &count, &err) != OK)
        return cli_fail(cli, &err);
    struct grid *grid = grid_new(cli, headings, 5);
    for (size_t i = 0; i < count; i++)
        grid_row(grid, (const char *[]){arena_printf(arena, "%lld", (long long)lines[i].id),
                                        when_text(lines[i].at_ms), lines[i].who, lines[i].what,
                                        lines[i].detail});
    grid_print(grid);
    if (limit && count == (size_t)limit && !cli->json)
        printf("Only the newest %s are shown; --limit shows more (0 = all).\n", thousands(limit));
    return EXIT_DONE;
}

/* ------------------------------------------------------------------- writes */

/* "2h", "7d", or an instant. 0 = neither. */
static int64_t since_ms(struct cli *cli, const char *text)
{
    char *end;
    int64_t at = 0;
    if (when_parse(text, &at))
        return at;
    long long n = strtoll(text, &end, 10);
    int64_t unit = text_eq(end, "m") ? 60000 : text_eq(end, "h") ? 3600000 : text_eq(end, "d") ? 86400000 : 0;
    return n > 0 && unit ? cli->world->now_ms(cli->world) - n * unit : 0;
}

static void json_or_null(struct jw *w, const char *key, const char *json)
{
    jw_key(w, key);
    if (json)
        jw_raw(w, json, strlen(json));
    else
        jw_null(w);
}

static void print_write(const struct op *op)
{
    char at[32];
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    jw_object(&w);
    jw_kv_int(&w, "operation", op->id);
    when_iso(op->done_ms, at);
    jw_kv_text(&w, "done", op->done_ms ? at : NULL);
    jw_kv_text(&w, "state", op_state_name(op->state));
    jw_kv_text(&w, "kind", op_kind_name(op->kind));
    jw_kv_text(&w, "org", op->org_id);
    jw_kv_text(&w, "object", op->object);
    jw_kv_text(&w, "record", op->result_id ? op->result_id : op->target_id);
    json_or_null(&w, "before", op->before);
    json_or_null(&w, "written", op->payload);
    jw_kv_int(&w, "table_id", op->table_id);
    jw_kv_int(&w, "column_id", op->column_id);
    jw_kv_int(&w, "row_id", op->row_id);
    jw_kv_int(&w, "run", op->run_id);
    jw_kv_text(&w, "key", op->key);
    jw_end_object(&w);
    puts(buf_text(&out));
    buf_free(&out);
}

/* What was written since then, and what may have been: JSON lines, oldest first. */
static int writes(struct cli *cli, struct store *store, const struct args *args)
{
    const uint32_t open = 1u << OP_SENDING | 1u << OP_UNKNOWN | 1u << OP_RECONCILING | 1u << OP_IN_DOUBT;
    const char *given = args_get(args, "since");
    int64_t since = given ? since_ms(cli, given) : 1, told = 0;
    struct err err = {0};
    if (!since)
        return cli_usage(cli, &command_audit, "--since takes 2h, 7d, or 2026-11-28T10:00:00Z");
    struct op_query query = {.states = 1u << OP_DONE | open, .limit = PAGE};
    for (size_t count = PAGE; count == PAGE;) {
        struct arena *arena = arena_new();
        struct op *ops = NULL;
        enum status rc = store->does->ops_list(store, arena, &query, &ops, &count, &err);
        for (size_t i = 0; rc == OK && i < count; i++) {
            bool may_be = (1u << ops[i].state & open) != 0;
            if (!may_be && ops[i].done_ms < since)
                continue;
            print_write(&ops[i]);
            told++;
        }
        if (rc == OK && count)
            query.after_id = ops[count - 1].id;
        arena_free(arena);
        if (rc != OK)
            return cli_fail(cli, &err);
    }
    if (!cli->quiet)
        fprintf(stderr, "%s writes\n", thousands(told));
    return EXIT_DONE;
}

static int run(struct cli *cli, const struct args *args)
{
    const char *verb = args->words[0];
    if (!text_eq(verb, "verify") && !text_eq(verb, "list") && !text_eq(verb, "writes"))
        return cli_usage(cli, &command_audit, "verify, list or writes");
    struct store *store = cli_store_open(cli, false);
    if (!store)
        return cli->failed;
    struct arena *arena = arena_new();
    int code = text_eq(verb, "verify") ? verify(cli, store)
               : text_eq(verb, "list") ? list(cli, store, arena, args)
                                       : writes(cli, store, args);
    arena_free(arena);
    store->does->close(store);
    return code;
}

static const struct cli_option options[] = {
    {"limit", 0, "N", "with list: how many, newest first (50; 0 = all)"},
    {"who", 0, "NAME", "with list: only of this person"},
    {"since", 0, "TIME", "with writes: 2h, 7d, or an instant; else everything"},
    {0},
};

const struct command command_audit = {
    .name = "audit",
    .summary = "who did what; does the chain hold; everything that was written",
    .words = "list | verify | writes",
    .about =
        "Every line of the audit carries the hash of the one before it: `verify` finds a line\n"
        "that was changed, taken out or put in. `writes` prints what was written to any org,\n"
        "and what may have been, as JSON lines with the values before and after:\n\n"
        "  argil audit verify\n"
        "  argil audit list --who ann\n"
        "  argil audit writes --since 24h > writes.jsonl",
    .min_words = 1,
    .max_words = 1,
    .options = options,
    .run = run,
};
