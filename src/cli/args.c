/* args.c - the command line: global options, a command, its words and options.
 *
 * Options may stand anywhere; --name value and --name=value both work; "--"
 * ends them. An unknown word is answered with the nearest known one. */
#include "cli/cli.h"

#include "base/log.h"
#include "base/str.h"

#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

const struct cli_option global_options[] = {
    {"data", 0, "DIR", "data directory (default $ARGIL_DATA, else $XDG_DATA_HOME/argil)"},
    {"store", 0, "URL", "PostgreSQL database of the workspace (default $ARGIL_STORE, else as at init)"},
    {"url", 0, "URL", "ask this server instead (or $ARGIL_URL; token in $ARGIL_TOKEN)"},
    {"json", 0, NULL, "print results as JSON"},
    {"quiet", 'q', NULL, "no progress, only results and errors"},
    {"verbose", 'v', NULL, "log what happens to stderr"},
    {"no-color", 0, NULL, "plain text even on a terminal (also: NO_COLOR)"},
    {"help", 'h', NULL, "explain the command and exit"},
    {0},
};

/* Commands of the whole design that this version does not have yet. Saying so
 * beats "unknown command". */
static const char *const not_built[] = {"user", "import", NULL};

static struct cli *the_cli;

static void on_signal(int signal_number)
{
    (void)signal_number;
    if (!the_cli)
        return;
    if (atomic_exchange(&the_cli->stop, true))
        _exit(EXIT_INTERRUPTED); /* asked twice: leave at once, the journal knows */
}

static void watch_signals(struct cli *cli)
{
    struct sigaction action = {.sa_handler = on_signal};
    the_cli = cli;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

bool args_has(const struct args *args, const char *name)
{
    for (size_t i = 0; i < args->set_count; i++)
        if (text_eq(args->set[i]->name, name))
            return true;
    return false;
}

const char *args_get(const struct args *args, const char *name)
{
    const char *found = NULL;
    for (size_t i = 0; i < args->set_count; i++)
        if (text_eq(args->set[i]->name, name))
            found = args->values[i];
    return found;
}

const struct command *command_find(const char *name)
{
    for (size_t i = 0; commands[i]; i++)
        if (text_eq(commands[i]->name, name))
            return commands[i];
    return NULL;
}

static const struct cli_option *option_find(const struct cli_option *options, const char *name,
                                            size_t len, char letter)
{
    for (; options && options->name; options++) {
        if (letter ? options->letter == letter
                   : strlen(options->name) == len && !strncmp(options->name, name, len))
            return options;
    }
    return NULL;
}

static void suggest_option(const struct command *command, const char *given)
{
    const char *names[64];
    size_t count = 0;
    for (const struct cli_option *o = global_options; o->name; o++)
        names[count++] = o->name;
    for (const struct cli_option *o = command ? command->options : NULL; o && o->name; o++)
        names[count++] = o->name;
    const char *near = text_nearest(given, names, count);
    if (near)
        fprintf(stderr, "  Did you mean --%s?\n", near);
}

static int unknown_option(const struct command *command, const char *word)
{
    fprintf(stderr, "argil: unknown option %s\n", word);
    suggest_option(command, word + strspn(word, "-"));
    fprintf(stderr, "  See `argil %s%s--help`.\n", command ? command->name : "", command ? " " : "");
    return EXIT_USAGE;
}

/* Takes one option at argv[*i]; moves *i past its value. */
static int take_option(const struct command *command, struct args *args, int argc, char **argv,
                       int *i)
{
    const char *word = argv[*i];
    bool is_long = word[1] == '-';
    const char *name = word + (is_long ? 2 : 1);
    const char *equals = is_long ? strchr(name, '=') : NULL;
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    char letter = is_long ? 0 : name[0];
    if (!is_long && name[1])
        return unknown_option(command, word);

    /* a command's own word goes first: `connect --url` is the login host */
    const struct cli_option *option =
        command ? option_find(command->options, name, len, letter) : NULL;
    if (!option)
        option = option_find(global_options, name, len, letter);
    if (!option)
        return unknown_option(command, word);

    const char *value = NULL;
    if (option->value) {
        value = equals ? equals + 1 : (*i + 1 < argc ? argv[++*i] : NULL);
        if (!value) {
            fprintf(stderr, "argil: --%s wants a value: --%s %s\n", option->name, option->name,
                    option->value);
            return EXIT_USAGE;
        }
    } else if (equals) {
        fprintf(stderr, "argil: --%s takes no value\n", option->name);
        return EXIT_USAGE;
    }
    if (args->set_count == 64) {
        fprintf(stderr, "argil: more than 64 options\n");
        return EXIT_USAGE;
    }
    args->set[args->set_count] = option;
    args->values[args->set_count++] = value;
    return EXIT_DONE;
}

static int unknown_command(const char *name)
{
    for (size_t i = 0; not_built[i]; i++) {
        if (text_eq(not_built[i], name)) {
            fprintf(stderr,
                    "argil: `%s` is not built yet in version %s.\n"
                    "  What is: `argil help`. What is planned: docs/roadmap.md.\n  [%s]\n",
                    name, ARGIL_VERSION, ERR_NOT_BUILT);
            return EXIT_USAGE;
        }
    }
    const char *names[64];
    size_t count = 0;
    for (; commands[count]; count++)
        names[count] = commands[count]->name;
    const char *near = text_nearest(name, names, count);
    fprintf(stderr, "argil: there is no command `%s`%s%s%s\n  See `argil help`.\n", name,
            near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
    return EXIT_USAGE;
}

static void settle_output(struct cli *cli, const struct args *args)
{
    bool plain = args_has(args, "no-color") || getenv("NO_COLOR") != NULL;
    cli->json = args_has(args, "json");
    cli->quiet = args_has(args, "quiet");
    cli->terminal_err = isatty(STDERR_FILENO);
    cli->colour_out = !plain && isatty(STDOUT_FILENO);
    cli->colour_err = !plain && cli->terminal_err;
    if (args_has(args, "verbose"))
        log_set_level(LOG_DEBUG);
}

static const char *default_data(void)
{
    static char path[4096];
    const char *given = getenv("ARGIL_DATA");
    const char *xdg = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");
    if (given && *given)
        return given;
    if (xdg && *xdg)
        snprintf(path, sizeof path, "%s/argil", xdg);
    else
        snprintf(path, sizeof path, "%s/.local/share/argil", home && *home ? home : ".");
    return path;
}

/* NULL = the data directory. */
static const char *server_url(const struct command *command, const struct args *args)
{
    const char *given = getenv("ARGIL_URL");
    bool own_word = option_find(command->options, "url", 3, 0) != NULL;
    if (args_get(args, "url") && !own_word)
        return args_get(args, "url");
    return given && *given ? given : NULL;
}

static int check_words(struct cli *cli, const struct command *command, const struct args *args)
{
    if (args->word_count < command->min_words)
        return cli_usage(cli, command, "`argil %s` wants %s", command->name, command->words);
    if (args->word_count > command->max_words)
        return cli_usage(cli, command, "one word too many: `%s`", args->words[command->max_words]);
    return EXIT_DONE;
}

int cli_main(int argc, char **argv)
{
    struct cli cli = {.world = world_real()};
    struct args args = {0};
    const struct command *command = NULL;
    bool only_words = false;

    for (int i = 1; i < argc; i++) {
        char *word = argv[i];
        int rc = EXIT_DONE;
        if (!only_words && text_eq(word, "--")) {
            only_words = true;
        } else if (!only_words && word[0] == '-' && word[1]) {
            if (!command && text_eq(word, "--version"))
                return command_version.run(&cli, &args);
            rc = take_option(command, &args, argc, argv, &i);
        } else if (!command) {
            command = command_find(word);
            if (!command)
                return unknown_command(word);
        } else if (args.word_count < 64) {
            args.words[args.word_count++] = word;
        }
        if (rc != EXIT_DONE)
            return rc;
    }
    settle_output(&cli, &args);
    if (!command) {
        help_all(args_has(&args, "help") ? stdout : stderr, cli.colour_out);
        return args_has(&args, "help") ? EXIT_DONE : EXIT_USAGE;
    }
    if (args_has(&args, "help")) {
        help_command(stdout, command, cli.colour_out);
        return EXIT_DONE;
    }
    int rc = check_words(&cli, command, &args);
    if (rc != EXIT_DONE)
        return rc;
    cli.data = args_get(&args, "data") ? args_get(&args, "data") : default_data();
    cli.store = cli_option_or(&args, "store", "ARGIL_STORE");
    cli.url = server_url(command, &args);
    cli.command = command;
    watch_signals(&cli);
    return command->run(&cli, &args);
}

int cli_usage(struct cli *cli, const struct command *command, const char *fmt, ...)
{
    va_list list;
    va_start(list, fmt);
    fputs("argil: ", stderr);
    vfprintf(stderr, fmt, list);
    va_end(list);
    fprintf(stderr, "\n  Usage: argil %s %s\n  See `argil %s --help`.\n", command->name,
            command->words ? command->words : "", command->name);
    (void)cli;
    return EXIT_USAGE;
}

const char *cli_option_or(const struct args *args, const char *name, const char *variable)
{
    const char *given = args_get(args, name), *value = given ? given : getenv(variable);
    return text_blank(value) ? NULL : value;
}

bool cli_number(struct cli *cli, const struct args *args, const char *name, int64_t *out)
{
    const char *text = args_get(args, name);
    char *end = NULL;
    if (!text)
        return true;
    long long number = strtoll(text, &end, 10);
    if (!*text || *end || number < 0) {
        fprintf(stderr, "argil: --%s wants a whole number, not `%s`\n", name, text);
        (void)cli;
        return false;
    }
    *out = number;
    return true;
}
