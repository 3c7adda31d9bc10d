/* output.c - what a person reads: tables that fit the terminal, numbers, times,
 * and one progress line with rate, time left and calls used. */
#include "cli/cli.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "base/vec.h"
#include "base/when.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define RING 8
static _Thread_local char ring[RING][64];
static _Thread_local unsigned ring_at;

static char *next_text(void)
{
    return ring[ring_at++ % RING];
}

const char *when_text(int64_t ms)
{
    char *out = next_text();
    char iso[32];
    if (ms <= 0)
        return "never";
    when_iso_seconds(ms, iso);
    snprintf(out, sizeof ring[0], "%.10s %.5s UTC", iso, iso + 11);
    return out;
}

const char *took(int64_t ms)
{
    char *out = next_text();
    if (ms < 1000)
        snprintf(out, sizeof ring[0], "%lld ms", (long long)ms);
    else if (ms < 120000)
        snprintf(out, sizeof ring[0], "%.1f s", (double)ms / 1000);
    else if (ms < 7200000)
        snprintf(out, sizeof ring[0], "%lld min", (long long)(ms / 60000));
    else
        snprintf(out, sizeof ring[0], "%lld h", (long long)(ms / 3600000));
    return out;
}

const char *ago(struct cli *cli, int64_t ms)
{
    char *out = next_text();
    if (ms <= 0)
        return "never";
    int64_t past = cli->world->now_ms(cli->world) - ms;
    if (past < 48LL * 3600 * 1000 && past >= 0)
        snprintf(out, sizeof ring[0], "%s ago", took(past));
    else
        snprintf(out, sizeof ring[0], "%s", when_text(ms));
    return out;
}

const char *thousands(int64_t number)
{
    char *out = next_text();
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%lld", (long long)(number < 0 ? -number : number));
    size_t at = 0;
    if (number < 0)
        out[at++] = '-';
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = 0;
    return out;
}

/* Production red, a sandbox yellow, a local org blue: everywhere the same. */
const char *environment_text(const struct cli *cli, const char *environment)
{
    static const struct {
        const char *name, *words, *colour;
    } known[] = {{"production", "production", "\033[1;31m"},
                 {"sandbox", "Test Env (sandbox)", "\033[1;33m"},
                 {"local", "local", "\033[1;34m"}};
    char *out = next_text();
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (text_eq(known[i].name, environment)) {
            snprintf(out, sizeof ring[0], "%s%s%s", cli->colour_out ? known[i].colour : "",
                     known[i].words, cli->colour_out ? "\033[0m" : "");
            return out;
        }
    return environment ? environment : "";
}

/* ---------------------------------------------------------------- tables */

struct grid {
    struct cli *cli;
    struct arena *arena;
    const char *const *headings;
    size_t columns;
    VEC(const char **) rows;
};

struct grid *grid_new(struct cli *cli, const char *const *headings, size_t columns)
{
    struct grid *grid = mem_alloc(sizeof *grid);
    grid->cli = cli;
    grid->arena = arena_new();
    grid->headings = headings;
    grid->columns = columns;
    return grid;
}

void grid_row(struct grid *grid, const char *const *cells)
{
    const char **row = arena_array(grid->arena, grid->columns, sizeof *row);
    for (size_t i = 0; i < grid->columns; i++)
        row[i] = arena_strdup(grid->arena, cells[i]);
    vec_push(&grid->rows, row);
}

static size_t screen_width(void)
{
    struct winsize size;
    if (isatty(STDOUT_FILENO) && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col > 20)
        return size.ws_col;
    return 0; /* not a terminal: never cut */
}

static void print_cell(const char *text, size_t width, bool last)
{
    size_t shown = utf8_length(text, strlen(text));
    if (shown <= width) {
        printf("%s", text);
        if (!last)
            printf("%*s", (int)(width - shown + 2), "");
        return;
    }
    size_t bytes = 0;
    for (size_t points = 0; points + 1 < width && text[bytes]; points++)
        for (bytes++; (text[bytes] & 0xC0) == 0x80; bytes++)
            ;
    printf("%.*s…%s", (int)bytes, text, last ? "" : "  ");
}

/* Shrinks the widest column until the line fits. */
static void fit(size_t *widths, size_t columns, size_t screen)
{
    for (;;) {
        size_t total = 2 * (columns - 1), widest = 0;
        for (size_t i = 0; i < columns; i++) {
            total += widths[i];
            if (widths[i] > widths[widest])
                widest = i;
        }
        if (total <= screen || widths[widest] <= 8)
            return;
        size_t over = total - screen;
        widths[widest] -= over < widths[widest] - 8 ? over : widths[widest] - 8;
        if (over == 0)
            return;
    }
}

static void print_text(struct grid *grid)
{
    size_t *widths = arena_array(grid->arena, grid->columns, sizeof *widths);
    for (size_t c = 0; c < grid->columns; c++) {
        widths[c] = strlen(grid->headings[c]);
        for (size_t r = 0; r < grid->rows.len; r++) {
            const char *cell = grid->rows.at[r][c] ? grid->rows.at[r][c] : "";
            size_t width = utf8_length(cell, strlen(cell));
            widths[c] = width > widths[c] ? width : widths[c];
        }
    }
    size_t screen = screen_width();
    if (screen)
        fit(widths, grid->columns, screen);
    if (grid->cli->colour_out)
        printf("\033[1m");
    for (size_t c = 0; c < grid->columns; c++)
        print_cell(grid->headings[c], widths[c], c + 1 == grid->columns);
    puts(grid->cli->colour_out ? "\033[0m" : "");
    for (size_t r = 0; r < grid->rows.len; r++) {
        for (size_t c = 0; c < grid->columns; c++)
            print_cell(grid->rows.at[r][c] ? grid->rows.at[r][c] : "", widths[c],
                       c + 1 == grid->columns);
        putchar('\n');
    }
}

static void print_json(struct grid *grid)
{
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    w.pretty = grid->cli->colour_out || isatty(STDOUT_FILENO);
    jw_array(&w);
    for (size_t r = 0; r < grid->rows.len; r++) {
        jw_object(&w);
        for (size_t c = 0; c < grid->columns; c++)
            jw_kv_text(&w, grid->headings[c], grid->rows.at[r][c]);
        jw_end_object(&w);
    }
    jw_end_array(&w);
    puts(buf_text(&out));
    buf_free(&out);
}

void grid_print(struct grid *grid)
{
    if (grid->cli->json)
        print_json(grid);
    else
        print_text(grid);
    vec_free(&grid->rows);
    arena_free(grid->arena);
    free(grid);
}

/* -------------------------------------------------------------- progress */

static struct {
    char what[128];
    int64_t began_ms, drawn_ms;
    bool drawn;
} line;

static void draw(void *ctx, const char *what, int64_t done, int64_t total, uint64_t calls)
{
    struct cli *cli = ctx;
    int64_t now = cli->world->monotonic_ms(cli->world);
    if (!text_eq(line.what, what)) {
        snprintf(line.what, sizeof line.what, "%s", what);
        line.began_ms = now;
    } else if (now - line.drawn_ms < 100) {
        return;
    }
    line.drawn_ms = now;
    line.drawn = true;
    double seconds = (double)(now - line.began_ms) / 1000;
    double rate = seconds > 0.2 ? (double)done / seconds : 0;
    fprintf(stderr, "\r\033[K%s: %s", what, thousands(done));
    if (total > 0)
        fprintf(stderr, " of %s", thousands(total));
    if (rate >= 1)
        fprintf(stderr, ", %s/s", thousands((int64_t)rate));
    if (rate >= 1 && total > done)
        fprintf(stderr, ", %s left", took((int64_t)((double)(total - done) / rate * 1000)));
    fprintf(stderr, ", %s API calls", thousands((int64_t)calls));
    fflush(stderr);
}

void progress_begin(struct cli *cli, struct progress *progress)
{
    memset(&line, 0, sizeof line);
    if (cli->quiet || !cli->terminal_err)
        return;
    progress->ctx = cli;
    progress->tick = draw;
}

void progress_end(struct cli *cli)
{
    (void)cli;
    if (line.drawn)
        fputs("\r\033[K", stderr);
    line.drawn = false;
}
