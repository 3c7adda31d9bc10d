/* help.c - help made from the command rows, and the commands help, version and
 * completion that print it. */
#include "cli/cli.h"

#include "base/buf.h"
#include "base/str.h"

#include <string.h>

const struct command *const commands[] = {
    &command_init,
    &command_connect,
    &command_connection,
    &command_doctor,
    &command_permset,
    &command_apply,
    &command_table,
    &command_source,
    &command_sync,
    &command_schedule,
    &command_run,
    &command_runs,
    &command_rows,
    &command_view,
    &command_export,
    &command_column,
    &command_journal,
    &command_plan,
    &command_gate,
    &command_contract,
    &command_undo,
    &command_why,
    &command_audit,
    &command_sending,
    &command_alert,
    &command_secret,
    &command_serve,
    &command_worker,
    &command_vault,
    &command_store,
    &command_completion,
    &command_version,
    &command_help,
    NULL,
};

static const char *bold(bool colour)
{
    return colour ? "\033[1m" : "";
}

static const char *plain(bool colour)
{
    return colour ? "\033[0m" : "";
}

#define WIDTH 80

/* Prints `text`, which starts at column `at`, so that no line passes WIDTH;
 * further lines start at column `indent`. Line ends in the text are kept. */
void help_wrapped(FILE *out, const char *text, int at, int indent)
{
    while (*text) {
        size_t line = strcspn(text, "\n");
        int room = WIDTH - at;
        if (line > (size_t)(room > 0 ? room : 0)) {
            size_t cut = (size_t)(room > 0 ? room : 0);
            while (cut > 0 && text[cut] != ' ')
                cut--;
            if (cut == 0)
                cut = strcspn(text, " \n"); /* one long word: let it stand out */
            fprintf(out, "%.*s\n%*s", (int)cut, text, indent, "");
            text += cut + strspn(text + cut, " ");
            at = indent;
            continue;
        }
        fprintf(out, "%.*s\n", (int)line, text);
        text += line + (text[line] == '\n');
        at = 0;
    }
}

/* Lines of running text become one; indented lines are examples and stay. */
static void join_paragraphs(struct buf *out, const char *text)
{
    bool example = *text == ' ';
    for (; *text; text++) {
        bool flows = *text == '\n' && !example && text[1] && text[1] != ' ' && text[1] != '\n' &&
                     out->len && out->data[out->len - 1] != '\n';
        if (*text == '\n')
            example = text[1] == ' ';
        buf_char(out, flows ? ' ' : *text);
    }
}

static void print_options(FILE *out, const struct cli_option *options)
{
    for (; options && options->name; options++) {
        char left[64];
        int used = snprintf(left, sizeof left, "  %s%c%s--%s%s%s", options->letter ? "-" : "",
                            options->letter ? options->letter : ' ', options->letter ? ", " : "   ",
                            options->name, options->value ? " " : "",
                            options->value ? options->value : "");
        fprintf(out, "%-29s", left);
        if (used > 28)
            fprintf(out, "\n%29s", "");
        help_wrapped(out, options->help, 29, 29);
    }
}

void help_all(FILE *out, bool colour)
{
    fprintf(out,
            "%sargil%s - live tables over Salesforce: import, enrich, write back, no duplicates\n\n"
            "Usage: argil COMMAND [options]\n\n%sCommands%s\n",
            bold(colour), plain(colour), bold(colour), plain(colour));
    for (size_t i = 0; commands[i]; i++)
        fprintf(out, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(out, "\n%sEverywhere%s\n", bold(colour), plain(colour));
    print_options(out, global_options);
    fprintf(out, "\nFirst steps:\n"
                 "  argil init\n"
                 "  argil connect prod --client-id KEY     sign in to Salesforce in the browser\n"
                 "  argil apply accounts.yaml              make a table from a recipe\n"
                 "  argil sync accounts                    import its records\n"
                 "  argil run accounts                     compute its columns, write back\n\n"
                 "`argil help COMMAND` explains one. `argil help exit-codes` lists exit codes.\n");
}

static void print_usage(FILE *out, const struct command *command)
{
    struct buf usage = BUF_INIT;
    int indent = (int)(strlen("Usage: argil ") + strlen(command->name) + 1);
    buf_printf(&usage, "%s%s[options]", command->words ? command->words : "",
               command->words ? " " : "");
    fprintf(out, "Usage: argil %s ", command->name);
    help_wrapped(out, buf_text(&usage), indent, indent);
    buf_free(&usage);
}

void help_command(FILE *out, const struct command *command, bool colour)
{
    fprintf(out, "%sargil %s%s - %s\n\n", bold(colour), command->name, plain(colour),
            command->summary);
    print_usage(out, command);
    if (command->about) {
        struct buf about = BUF_INIT;
        join_paragraphs(&about, command->about);
        fputc('\n', out);
        help_wrapped(out, buf_text(&about), 0, 0);
        buf_free(&about);
    }
    if (command->options && command->options->name) {
        fprintf(out, "\n%sOptions%s\n", bold(colour), plain(colour));
        print_options(out, command->options);
    }
    fprintf(out, "\n%sEverywhere%s\n", bold(colour), plain(colour));
    print_options(out, global_options);
}

static void help_exit_codes(void)
{
    puts("Exit codes of argil\n"
         "    0  done, nothing left to look at\n"
         "    1  it did not work; the message says why\n"
         "    2  wrong words on the command line, or a recipe that was refused as a whole\n"
         "    3  ran to the end, and some rows need a person: refused, failed or in doubt\n"
         "    4  paused by a Salesforce limit, or the org cannot be reached: nothing is lost,\n"
         "       run it again later\n"
         "    5  a person must sign in again, or approve a first write (--yes)\n"
         "   70  out of memory; everything accepted is in the journal\n"
         "  130  interrupted");
}

/* roff takes a leading dot or quote and every backslash and hyphen as its own. */
static void roff(const char *text)
{
    bool start = true;
    for (; *text; text++) {
        if (start && (*text == '.' || *text == '\''))
            fputs("\\&", stdout);
        if (*text == '\\' || *text == '-')
            putchar('\\');
        putchar(*text);
        start = *text == '\n';
    }
}

static void roff_options(const struct cli_option *options)
{
    for (; options && options->name; options++) {
        printf(".TP\n.B \\-\\-%s\n", options->name);
        if (options->value)
            printf(".I %s\n", options->value);
        printf(".br\n");
        roff(options->help);
        putchar('\n');
    }
}

/* argil(1), made from the same rows as --help. */
static void help_man_page(void)
{
    printf(".TH ARGIL 1 \"\" \"argil %s\"\n.SH NAME\nargil \\- live tables over Salesforce\n"
           ".SH SYNOPSIS\n.B argil\n.I COMMAND\n[options]\n.SH COMMANDS\n",
           ARGIL_VERSION);
    for (size_t i = 0; commands[i]; i++) {
        printf(".SS \"argil %s %s\"\n", commands[i]->name,
               commands[i]->words ? commands[i]->words : "");
        roff(commands[i]->summary);
        printf("\n.PP\n");
        if (commands[i]->about) {
            printf(".nf\n");
            roff(commands[i]->about);
            printf("\n.fi\n");
        }
        roff_options(commands[i]->options);
    }
    printf(".SH OPTIONS\n");
    roff_options(global_options);
    printf(".SH EXIT STATUS\nSee\n.B argil help exit\\-codes.\n");
}

static int help_run(struct cli *cli, const struct args *args)
{
    if (!args->word_count) {
        help_all(stdout, cli->colour_out);
        return EXIT_DONE;
    }
    if (text_eq(args->words[0], "exit-codes")) {
        help_exit_codes();
        return EXIT_DONE;
    }
    if (text_eq(args->words[0], "man-page")) {
        help_man_page();
        return EXIT_DONE;
    }
    const struct command *command = command_find(args->words[0]);
    if (!command)
        return cli_usage(cli, &command_help, "there is no command `%s`", args->words[0]);
    help_command(stdout, command, cli->colour_out);
    return EXIT_DONE;
}

const struct command command_help = {
    .name = "help",
    .summary = "explain a command, or `exit-codes`; `man-page` prints argil(1)",
    .words = "[COMMAND]",
    .max_words = 1,
    .run = help_run,
};

static int version_run(struct cli *cli, const struct args *args)
{
    (void)args;
    printf(cli->json ? "{\"argil\":\"%s\"}\n" : "argil %s\n", ARGIL_VERSION);
    return EXIT_DONE;
}

const struct command command_version = {
    .name = "version",
    .summary = "print the version",
    .run = version_run,
};

static void complete_bash(void)
{
    puts("_argil() {\n"
         "  local cur=${COMP_WORDS[COMP_CWORD]} command= i\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    case ${COMP_WORDS[i]} in -*) ;; *) command=${COMP_WORDS[i]}; break ;; esac\n"
         "  done\n"
         "  case $command in");
    for (size_t i = 0; commands[i]; i++) {
        printf("  %s) COMPREPLY=($(compgen -f -W \"", commands[i]->name);
        for (const struct cli_option *o = commands[i]->options; o && o->name; o++)
            printf("--%s ", o->name);
        for (const struct cli_option *o = global_options; o->name; o++)
            printf("--%s ", o->name);
        puts("\" -- \"$cur\")) ;;");
    }
    printf("  *) COMPREPLY=($(compgen -W \"");
    for (size_t i = 0; commands[i]; i++)
        printf("%s ", commands[i]->name);
    puts("\" -- \"$cur\")) ;;\n  esac\n}\ncomplete -o default -F _argil argil");
}

static void complete_fish(void)
{
    for (size_t i = 0; commands[i]; i++) {
        printf("complete -c argil -n __fish_use_subcommand -a %s -d '%s'\n", commands[i]->name,
               commands[i]->summary);
        for (const struct cli_option *o = commands[i]->options; o && o->name; o++)
            printf("complete -c argil -n '__fish_seen_subcommand_from %s' -l %s -d '%s'\n",
                   commands[i]->name, o->name, o->help);
    }
}

static void complete_zsh(void)
{
    puts("#compdef argil\n_argil() {\n  local -a commands=(");
    for (size_t i = 0; commands[i]; i++)
        printf("    '%s:%s'\n", commands[i]->name, commands[i]->summary);
    puts("  )\n  if (( CURRENT == 2 )); then _describe command commands; return; fi\n"
         "  case $words[2] in");
    for (size_t i = 0; commands[i]; i++) {
        printf("  %s) _arguments", commands[i]->name);
        for (const struct cli_option *o = commands[i]->options; o && o->name; o++)
            printf(" '--%s[%s]'", o->name, o->help);
        puts(" '*:file:_files' ;;");
    }
    puts("  esac\n}\n_argil \"$@\"");
}

static int completion_run(struct cli *cli, const struct args *args)
{
    const char *shell = args->words[0];
    if (text_eq(shell, "bash"))
        complete_bash();
    else if (text_eq(shell, "zsh"))
        complete_zsh();
    else if (text_eq(shell, "fish"))
        complete_fish();
    else
        return cli_usage(cli, &command_completion, "no completion for `%s`", shell);
    return EXIT_DONE;
}

const struct command command_completion = {
    .name = "completion",
    .summary = "print a completion script for bash, zsh or fish",
    .words = "SHELL",
    .about = "Example: argil completion bash > /etc/bash_completion.d/argil",
    .min_words = 1,
    .max_words = 1,
    .run = completion_run,
};
