/* cmd_source.c - `argil source`: the kinds of sources and what each takes. */
#include "cli/cli.h"

#include "base/str.h"
#include "engine/sources/source_kind.h"

#include <string.h>

/* ------------------------------------------------------------------ kinds */

static void json_option(struct jw *w, const struct kind_option *o)
{
    jw_object(w);
    jw_kv_text(w, "name", o->name);
    jw_kv_text(w, "type", option_type_name(o->type));
    jw_kv_bool(w, "required", o->required);
    jw_kv_text(w, "help", o->help);
    jw_kv_text(w, "default", o->fallback);
    jw_key(w, "allowed");
    jw_array(w);
    for (size_t i = 0; o->allowed && o->allowed[i]; i++)
        jw_text(w, o->allowed[i]);
    jw_end_array(w);
    jw_end_object(w);
}

static void json_kind(struct jw *w, const struct source_kind *kind)
{
    jw_object(w);
    jw_kv_text(w, "name", kind->name);
    jw_kv_text(w, "key", kind->key);
    jw_kv_text(w, "chosen_by", kind->chosen_by);
    jw_kv_text(w, "title", kind->title);
    jw_kv_text(w, "help", kind->help);
    jw_kv_text(w, "every", kind->every);
    jw_kv_text(w, "when_deleted", kind->when_deleted);
    jw_kv_bool(w, "unique_by_needed", kind->key_rule == KEY_NEEDED);
    jw_key(w, "options");
    jw_array(w);
    for (size_t i = 0; i < kind->option_count; i++)
        json_option(w, &kind->options[i]);
    jw_end_array(w);
    jw_end_object(w);
}

static void print_option(const struct kind_option *o)
{
    char text[512];
    snprintf(text, sizeof text, "%s%s%s%s", o->help, o->required ? " (needed)" : "",
             o->fallback ? "; default: " : "", o->fallback ? o->fallback : "");
    printf("    %-15s ", o->name);
    help_wrapped(stdout, text, 20, 20);
}

static void print_kind(const struct source_kind *kind, bool options)
{
    char key[64];
    snprintf(key, sizeof key, "%s%s%s", kind->key, kind->chosen_by ? "/" : "",
             kind->chosen_by ? kind->chosen_by : "");
    printf("%-24s %s\n", key, kind->title);
    if (!options)
        return;
    printf("  ");
    help_wrapped(stdout, kind->help, 2, 2);
    for (size_t i = 0; i < kind->option_count; i++)
        print_option(&kind->options[i]);
    printf("  unless the recipe says otherwise: every: %s, when_deleted: %s\n", kind->every,
           kind->when_deleted);
    if (kind->key_rule == KEY_NEEDED)
        puts("  needs unique_by: the fields that tell its rows apart");
    puts("");
}

static bool asked_for(const struct source_kind *kind, const char *word)
{
    return !word || text_eq(kind->key, word) || text_eq(kind->name, word) ||
           (kind->chosen_by && text_eq(kind->chosen_by, word));
}

static int kinds(struct cli *cli, const struct args *args)
{
    const char *word = args->word_count > 1 ? args->words[1] : NULL;
    struct buf out = BUF_INIT;
    struct jw w;
    size_t shown = 0;
    jw_init(&w, &out);
    w.pretty = true;
    jw_array(&w);
    for (size_t i = 0; source_kinds[i]; i++) {
        if (!asked_for(source_kinds[i], word))
            continue;
        shown++;
        if (cli->json)
            json_kind(&w, source_kinds[i]);
        else
            print_kind(source_kinds[i], word != NULL);
    }
    jw_end_array(&w);
    if (cli->json)
        puts(buf_text(&out));
    buf_free(&out);
    if (!shown)
        return cli_usage(cli, &command_source, "there is no source of the kind \"%s\"", word);
    return EXIT_DONE;
}

static int run(struct cli *cli, const struct args *args)
{
    if (text_eq(args->words[0], "kinds") && args->word_count <= 2)
        return kinds(cli, args);
    return cli_usage(cli, &command_source, "what about sources?");
}

static const struct cli_option options[] = {{0}};

const struct command command_source = {
    .name = "source",
    .summary = "what rows can come from",
    .words = "kinds [KIND]",
    .about = "`kinds` lists where rows can come from; with a KIND, the options it takes in a\n"
             "recipe:\n\n"
             "    argil source kinds salesforce",
    .min_words = 1,
    .max_words = 3,
    .options = options,
    .run = run,
};
