/* cmd_journal_doubt.c - `argil journal show`, `doubts`, `resolve`: one operation
 * with all that is known of it, and a person's answer where that is not enough. */
#include "cli/journal_priv.h"

#include "base/str.h"

#include <string.h>

/* --------------------------------------------------------------------- card */

static const char *member_text(struct arena *arena, const char *object, const char *key)
{
    struct err ignored = {0};
    const struct json *tree = object ? json_parse(arena, object, strlen(object), &ignored) : NULL;
    const struct json *value = json_get_nocase(tree, key);
    if (!value)
        return "";
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_value(&w, value);
    const char *out = arena_strdup(
        arena, json_text(value) ? json_text(value) : json_is_null(value) ? "" : buf_text(&text));
    buf_free(&text);
    return out;
}

/* Field by field: what we meant, what was there, what the first candidate holds. */
static void print_fields(struct cli *cli, struct arena *arena, const struct doubt_card *card)
{
    static const char *const headings[] = {"field", "we send", "it was", "it is now"};
    struct err ignored = {0};
    const struct op *op = &card->op;
    const struct json *payload =
        op->payload ? json_parse(arena, op->payload, strlen(op->payload), &ignored) : NULL;
    const char *now = card->candidate_count ? card->candidates[0].record : NULL;
    struct grid *grid = grid_new(cli, headings, 4);
    json_each(member, payload)
        grid_row(grid, (const char *[]){member->key, member_text(arena, op->payload, member->key),
                                        member_text(arena, op->before, member->key),
                                        member_text(arena, now, member->key)});
    grid_print(grid);
}

static void print_candidates(const struct doubt_card *card)
{
    if (!card->looked_ms)
        puts("Nobody has looked for the record yet: argil journal show OP --look");
    else if (!card->candidate_count)
        printf("No record that may be it was found (%s).\n", when_text(card->looked_ms));
    for (size_t i = 0; i < card->candidate_count; i++)
        printf("%s %s%s%s%s\n", i ? "         " : "May be it:", card->candidates[i].id,
               card->candidates[i].deleted ? " (deleted)" : "",
               card->candidates[i].url ? "  " : "",
               card->candidates[i].url ? card->candidates[i].url : "");
    if (card->more_candidates)
        puts("           and more");
}

static void print_answers(const struct doubt_card *card)
{
    long long id = (long long)card->op.id;
    const char *record = card->candidate_count ? card->candidates[0].id : "RECORD";
    printf("\nYour answer:\n"
           "  argil journal resolve %lld --this-is %s\n"
           "  argil journal resolve %lld --send-again    it does not exist\n"
           "  argil journal resolve %lld --give-up       never mind\n"
           "  argil journal resolve %lld --later 4h      ask me again\n",
           id, record, id, id, id);
}

static void print_card(struct cli *cli, struct arena *arena, const struct doubt_card *card)
{
    const struct op *op = &card->op;
    static const char *const headings[] = {"what", "value"};
    char attempts[32], id[32];
    snprintf(attempts, sizeof attempts, "%d", op->attempt);
    snprintf(id, sizeof id, "%lld", (long long)op->id);
    const char *const rows[][2] = {
        {"operation", id},
        {"state", op_state_name(op->state)},
        {"why", op->error_message},
        {"code", op->error_code},
        {"kind", op_kind_name(op->kind)},
        {"object", op->object},
        {"table", card->table},
        {"column", card->column},
        {"row", card->row_key},
        {"connection", card->connection},
        {"mode", write_mode_name(op->mode)},
        {"promise", write_mode_promise(op->mode)},
        {"key", op->key},
        {"business key", op->key_field},
        {"record to change", op->target_id},
        {"record", op->result_id},
        {"adopted", op->adopted ? "yes: found, not answered" : NULL},
        {"attempts", attempts},
        {"planned", when_text(op->created_ms)},
        {"last sent", op->sent_ms ? when_text(op->sent_ms) : NULL},
        {"how far", op->sent_ms ? card->how_far : NULL},
        {"Bulk job", op->ticket},
        {"settled", op->done_ms ? when_text(op->done_ms) : NULL},
        {"evidence", op->evidence},
    };
    struct grid *grid = grid_new(cli, headings, 2);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i][1])
            grid_row(grid, rows[i]);
    grid_print(grid);
    putchar('\n');
    print_fields(cli, arena, card);
    if (op->state != OP_IN_DOUBT)
        return;
    putchar('\n');
    print_candidates(card);
    print_answers(card);
}

static void jw_kv_raw(struct jw *w, const char *key, const char *json)
{
    jw_key(w, key);
    if (json)
        jw_raw(w, json, strlen(json));
    else
        jw_null(w);
}

static void json_card(const struct doubt_card *card)
{
    const struct op *op = &card->op;
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    jw_object(&w);
    jw_kv_int(&w, "operation", op->id);
    jw_kv_text(&w, "state", op_state_name(op->state));
    jw_kv_text(&w, "code", op->error_code);
    jw_kv_text(&w, "message", op->error_message);
    jw_kv_text(&w, "kind", op_kind_name(op->kind));
    jw_kv_text(&w, "object", op->object);
    jw_kv_text(&w, "table", card->table);
    jw_kv_text(&w, "column", card->column);
    jw_kv_text(&w, "row_key", card->row_key);
    jw_kv_text(&w, "connection", card->connection);
    jw_kv_text(&w, "mode", write_mode_name(op->mode));
    jw_kv_text(&w, "key", op->key);
    jw_kv_text(&w, "target", op->target_id);
    jw_kv_text(&w, "record", op->result_id);
    jw_kv_bool(&w, "adopted", op->adopted);
    jw_kv_int(&w, "attempts", op->attempt);
    jw_kv_int(&w, "planned_ms", op->created_ms);
    jw_kv_int(&w, "sent_ms", op->sent_ms);
    jw_kv_int(&w, "settled_ms", op->done_ms);
    jw_kv_text(&w, "how_far", op->sent_ms ? card->how_far : NULL);
    jw_kv_int(&w, "status", card->status);
    jw_kv_bool(&w, "overdue", card->overdue);
    jw_kv_raw(&w, "values", op->payload);
    jw_kv_raw(&w, "before", op->before);
    jw_kv_raw(&w, "evidence", op->evidence);
    jw_kv_int(&w, "looked_ms", card->looked_ms);
    jw_key(&w, "candidates");
    jw_array(&w);
    for (size_t i = 0; i < card->candidate_count; i++) {
        jw_object(&w);
        jw_kv_text(&w, "id", card->candidates[i].id);
        jw_kv_text(&w, "url", card->candidates[i].url);
        jw_kv_bool(&w, "deleted", card->candidates[i].deleted);
        jw_kv_raw(&w, "record", card->candidates[i].record);
        jw_end_object(&w);
    }
    jw_end_array(&w);
    jw_end_object(&w);
    puts(buf_text(&out));
    buf_free(&out);
}

static int show_with(struct cli *cli, struct engine *engine, const char *word, bool look)
{
    struct err err = {0};
    struct doubt_card card;
    char *end;
    int64_t id = strtoll(word, &end, 10);
    if (*end || id <= 0)
        return cli_usage(cli, &command_journal, "%s is no operation's number", word);
    struct arena *arena = arena_new();
    int rc = EXIT_DONE;
    if (journal_card(engine, arena, id, look, &card, &err) != OK)
        rc = cli_fail(cli, &err);
    else if (cli->json)
        json_card(&card);
    else
        print_card(cli, arena, &card);
    arena_free(arena);
    return rc;
}

int journal_show(struct cli *cli, const struct args *args)
{
    int rc;
    if (args_has(args, "look")) {
        struct cli_engine *open = cli_engine_open(cli, true);
        if (!open)
            return cli->failed;
        rc = show_with(cli, &open->engine, args->words[1], true);
        cli_engine_close(open);
        return rc;
    }
    struct store *store = cli_store_open(cli, false);
    if (!store)
        return cli->failed;
    struct engine engine = {.world = cli->world, .store = store};
    rc = show_with(cli, &engine, args->words[1], false);
    store->does->close(store);
    return rc;
}

/* ------------------------------------------------------------------- doubts */

static bool table_of(struct cli *cli, struct store *store, struct arena *arena,
                     const struct args *args, int64_t *id)
{
    struct err err = {0};
    struct table table;
    *id = 0;
    if (!args_get(args, "table"))
        return true;
    if (store->does->table_get(store, arena, args_get(args, "table"), &table, &err) != OK) {
        cli_fail(cli, &err);
        return false;
    }
    *id = table.id;
    return true;
}

int journal_doubts_list(struct cli *cli, const struct args *args)
{
    static const char *const headings[] = {"op", "object", "kind", "sent", "age", "why"};
    struct err err = {0};
    struct op *ops = NULL;
    size_t count = 0;
    int64_t table_id;
    struct store *store = cli_store_open(cli, false);
    if (!store)
        return cli->failed;
    struct engine engine = {.world = cli->world, .store = store};
    struct arena *arena = arena_new();
    int rc = EXIT_DONE;
    if (!table_of(cli, store, arena, args, &table_id)) {
        rc = cli->failed;
    } else if (journal_doubts(&engine, arena, table_id, &ops, &count, &err) != OK) {
        rc = cli_fail(cli, &err);
    } else {
        struct grid *grid = grid_new(cli, headings, 6);
        for (size_t i = 0; i < count; i++) {
            char id[32];
            snprintf(id, sizeof id, "%lld", (long long)ops[i].id);
            grid_row(grid, (const char *[]){id, ops[i].object, op_kind_name(ops[i].kind),
                                            when_text(ops[i].sent_ms), ago(cli, ops[i].sent_ms),
                                            ops[i].error_message});
        }
        grid_print(grid);
        rc = count ? EXIT_ATTENTION : EXIT_DONE;
    }
    arena_free(arena);
    store->does->close(store);
    return rc;
}

/* ------------------------------------------------------------------ resolve */

/* "30m", "4h", "2d" -> ms; 0 when it is none. */
static int64_t span_ms(const char *text)
{
    char *end;
    long long n = text ? strtoll(text, &end, 10) : 0;
    if (n <= 0 || n > 10000 || !end[0] || end[1])
        return 0;
    return *end == 'm' ? n * 60000 : *end == 'h' ? n * 3600000 : *end == 'd' ? n * 86400000 : 0;
}

struct answer {
    bool later, yes;
    int64_t until_ms;
    enum journal_verdict verdict;
    const char *record;
};

static bool take_answer(struct cli *cli, const struct args *args, struct answer *out)
{
    bool this_is = args_has(args, "this-is"), again = args_has(args, "send-again");
    bool give_up = args_has(args, "give-up"), later = args_has(args, "later");
    int64_t span = span_ms(args_get(args, "later"));
    *out = (struct answer){.later = later,
                           .yes = args_has(args, "yes"),
                           .until_ms = cli->world->now_ms(cli->world) + span,
                           .record = args_get(args, "this-is"),
                           .verdict = this_is ? VERDICT_THIS_IS_IT
                                      : again ? VERDICT_SEND_AGAIN
                                              : VERDICT_GIVE_UP};
    if (this_is + again + give_up + later != 1) {
        cli_usage(cli, &command_journal,
                  "one answer: --this-is RECORD, --send-again, --give-up or --later TIME");
        return false;
    }
    if (later && !span) {
        cli_usage(cli, &command_journal, "--later takes 30m, 4h, 2d");
        return false;
    }
    return true;
}

/* Sending again where the record may be there would make the second one. */
static enum status check_candidates(struct engine *engine, int64_t op_id,
                                    const struct answer *answer, struct err *err)
{
    struct doubt_card card;
    struct arena *arena = arena_new();
    enum status rc = OK;
    if (answer->later || answer->verdict != VERDICT_SEND_AGAIN || answer->yes) {
        arena_free(arena);
        return OK;
    }
    rc = journal_card(engine, arena, op_id, false, &card, err);
    for (size_t i = 0; rc == OK && i < card.candidate_count; i++)
        if (!card.candidates[i].deleted && card.op.kind == OP_CREATE) {
            rc = err_set(err, ERR_APPROVAL, "%s may be the record of operation %lld already",
                         card.candidates[i].id, (long long)op_id);
            err_hint(err, "Look at it; add --yes to send again all the same.");
        }
    arena_free(arena);
    return rc;
}

static enum status give_answer(struct engine *engine, int64_t op_id, const struct answer *answer,
                               struct err *err)
{
    if (check_candidates(engine, op_id, answer, err) != OK)
        return FAIL;
    return answer->later
               ? journal_ask_later(engine, op_id, answer->until_ms, err)
               : journal_resolve(engine, op_id, answer->verdict, answer->record, err);
}

static int resolve_all(struct cli *cli, struct engine *engine, const struct args *args,
                       const struct answer *answer)
{
    struct err err = {0};
    struct op *ops = NULL;
    size_t count = 0, done = 0;
    int64_t table_id, wanted = -1;
    struct arena *arena = arena_new();
    int rc = EXIT_DONE;
    if (!table_of(cli, engine->store, arena, args, &table_id)) {
        rc = cli->failed;
    } else if (!cli_number(cli, args, "count", &wanted)) {
        rc = EXIT_USAGE;
    } else if (answer->record) {
        rc = cli_usage(cli, &command_journal, "one record cannot be that of every operation");
    } else if (journal_doubts(engine, arena, table_id, &ops, &count, &err) != OK) {
        rc = cli_fail(cli, &err);
    } else if (wanted != (int64_t)count) {
        err_set(&err, ERR_APPROVAL, "%zu operations are in doubt, you said %lld", count,
                (long long)wanted);
        err_hint(&err, "Nothing was changed. Look at them with argil journal doubts, then say "
                       "--count %zu.", count);
        rc = cli_fail(cli, &err);
    }
    for (; rc == EXIT_DONE && done < count; done++)
        if (give_answer(engine, ops[done].id, answer, &err) != OK)
            rc = cli_fail(cli, &err);
    if (wanted == (int64_t)count && !cli->json)
        printf("Answered for %zu of %zu operations.\n", done, count);
    arena_free(arena);
    return rc;
}

static int resolve_one(struct cli *cli, struct engine *engine, const char *word,
                       const struct answer *answer)
{
    struct err err = {0};
    char *end;
    int64_t id = strtoll(word, &end, 10);
    if (*end || id <= 0)
        return cli_usage(cli, &command_journal, "%s is no operation's number", word);
    if (give_answer(engine, id, answer, &err) != OK)
        return cli_fail(cli, &err);
    if (cli->json)
        return show_with(cli, engine, word, false);
    if (answer->later)
        printf("Operation %s is asked about again after %s.\n", word, when_text(answer->until_ms));
    else if (answer->verdict == VERDICT_SEND_AGAIN)
        printf("Operation %s goes out again with the next run.\n", word);
    else
        printf("Operation %s is settled.\n", word);
    return EXIT_DONE;
}

int journal_resolve_ops(struct cli *cli, const struct args *args)
{
    struct answer answer;
    bool all = args_has(args, "all");
    if (all == (args->word_count == 2))
        return cli_usage(cli, &command_journal, "which operation? Give its number, or --all");
    if (!take_answer(cli, args, &answer))
        return EXIT_USAGE;
    struct cli_engine *open = cli_engine_open(cli, true);
    if (!open)
        return cli->failed;
    int rc = all ? resolve_all(cli, &open->engine, args, &answer)
                 : resolve_one(cli, &open->engine, args->words[1], &answer);
    cli_engine_close(open);
    return rc;
}
