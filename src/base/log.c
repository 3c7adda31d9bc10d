/* log.c - one write(2) a line, with known secrets painted over.
 *
 * A line is built whole, redacted, and written in one call under a lock, so
 * lines of two threads never mix. Control characters are escaped: a record's
 * text can break neither the line nor the terminal. */
#include "base/log.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "base/when.h"
#include "base/world.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define HIDDEN "[hidden]"
#define HINT   "<secret:"

static atomic_int lowest = LOG_WARN;
static atomic_int as_json;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

void log_set_level(enum log_level level)
{
    atomic_store(&lowest, level);
}

enum log_level log_get_level(void)
{
    return (enum log_level)atomic_load(&lowest);
}

void log_set_json(int on)
{
    atomic_store(&as_json, on);
}

/* --- redaction --- */

/* Names whose value is a secret, after '=', ':', '":"' or '>'. */
static const char *const secret_names[] = {
    "password",      "passwd",    "access_token", "refresh_token", "id_token",    "client_secret",
    "api_key",       "apikey",    "session_id",   "sessionid",     "assertion",   "code_verifier",
    "authorization", "x-api-key", "cookie",       "set-cookie",    "private_key", "security_token",
};

/* Words of ordinary sentences too ("exit code: 3"): only after '=', or in quotes. */
static const char *const doubtful_names[] = {"code", "secret", "sid", "token"};

/* Words that announce a token: "Bearer xyz". */
static const char *const schemes[] = {"bearer ", "oauth ", "basic "};

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* Bytes a token is made of (base64, JWT, Salesforce session ids, percent escapes). */
static size_t token_length(const char *p)
{
    size_t n = 0;
    while (is_word(p[n]) || (p[n] && strchr(".!~+/=%*$@#", p[n])))
        n++;
    return n;
}

/* 00D + 12 or 15 letters and digits + '!' (or %21): a Salesforce session id. */
static bool at_session_id(const char *p)
{
    size_t n = 0;
    if (strncmp(p, "00D", 3) != 0)
        return false;
    while (is_word(p[n]) && p[n] != '_' && p[n] != '-')
        n++;
    return (n == 15 || n == 18) && (p[n] == '!' || strncmp(p + n, "%21", 3) == 0);
}

static bool at_bare_token(const char *p)
{
    if (strncmp(p, "5Aep", 4) == 0) /* Salesforce refresh tokens */
        return true;
    if (strncmp(p, "eyJ", 3) == 0) { /* a JWT */
        const char *dot = strchr(p, '.');
        return dot && (size_t)(dot - p) < token_length(p);
    }
    return at_session_id(p);
}

/* Length of the scheme word at p, or 0. */
static size_t scheme_length(const char *p)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strncasecmp(p, schemes[i], strlen(schemes[i])) == 0)
            return strlen(schemes[i]);
    return 0;
}

static bool name_in(const char *const *names, size_t count, const char *p, size_t len)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(names[i]) == len && strncasecmp(p, names[i], len) == 0)
            return true;
    return false;
}

/* Length of name and separator before a secret value at p, or 0. Sets *quote to
 * the byte that ends the value, or 0 when it ends with its token. */
static size_t named_secret(const char *p, char *quote)
{
    size_t name = 0;
    while (is_word(p[name]))
        name++;
    bool sure = name_in(secret_names, sizeof secret_names / sizeof *secret_names, p, name);
    if (!sure && !name_in(doubtful_names, sizeof doubtful_names / sizeof *doubtful_names, p, name))
        return 0;
    size_t n = name + strspn(p + name, "\\\"'");
    bool in_quotes = n > name;
    n += strspn(p + n, " ");
    if (!p[n] || !strchr("=:>", p[n]) || (p[n] == '>' && n != name))
        return 0;
    if (!sure && p[n] != '=' && !in_quotes)
        return 0;
    *quote = p[n] == '>' ? '<' : '\0';
    n++;
    n += strspn(p + n, " ");
    n += strspn(p + n, "\\");
    if (p[n] == '"' || p[n] == '\'')
        *quote = p[n++];
    return n;
}

static size_t value_length(const char *p, char quote)
{
    if (!quote)
        return strcspn(p, " \t\r\n&,;\"'<>)}]");
    size_t n = 0;
    while (p[n] && p[n] != quote)
        n += p[n] == '\\' && p[n + 1] && p[n + 1] != quote ? 2 : 1;
    return n;
}

/* Writes what stands at p, hidden when it is a secret; returns how far it got. */
static size_t redact_word(const char *p, struct buf *out)
{
    char quote = '\0';
    size_t head = scheme_length(p), tail;
    if (head) {
        tail = token_length(p + head);
        if (tail < 8) /* "basic checks": words, not a token */
            head = 0;
    }
    if (!head && (head = named_secret(p, &quote)) > 0) {
        size_t scheme = scheme_length(p + head);
        head += scheme;
        tail = value_length(p + head, quote);
        if (strncmp(p + head, HINT, sizeof HINT - 1) == 0)
            return 0;
    }
    if (!head && at_bare_token(p))
        tail = token_length(p);
    else if (!head)
        return 0;
    buf_append(out, p, head);
    if (tail > 0)
        buf_str(out, HIDDEN);
    return head + tail;
}

/* "://user:password@host", at "://": hides the password. */
static size_t redact_userinfo(const char *p, struct buf *out)
{
    if (strncmp(p, "://", 3) != 0)
        return 0;
    size_t authority = 3 + strcspn(p + 3, "/?# \t\"'<>");
    const char *at = memrchr(p + 3, '@', authority - 3);
    const char *colon = at ? memchr(p + 3, ':', (size_t)(at - p - 3)) : NULL;
    if (!colon)
        return 0;
    buf_append(out, p, (size_t)(colon + 1 - p));
    buf_str(out, HIDDEN);
    return (size_t)(at - p);
}

/* "<secret:1a2b3c4d>" is made to be shown. */
static size_t copy_hint(const char *p, struct buf *out)
{
    if (strncmp(p, HINT, sizeof HINT - 1) != 0)
        return 0;
    size_t len = strcspn(p, ">");
    buf_append(out, p, len);
    return len;
}

void log_redact(const char *text, struct buf *out)
{
    bool word_start = true;
    while (*text) {
        size_t step = word_start ? redact_word(text, out) : 0;
        if (!step && *text == ':')
            step = redact_userinfo(text, out);
        if (!step && *text == '<')
            step = copy_hint(text, out);
        if (!step) {
            buf_char(out, *text);
            step = 1;
        }
        text += step;
        word_start = !is_word(text[-1]);
    }
}

/* --- lines --- */

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static void append_escaped(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '\n')
            buf_str(out, "\\n");
        else if (c < 0x20 || c == 0x7F)
            buf_printf(out, "\\x%02x", c);
        else
            buf_char(out, (char)c);
    }
}

static void write_line(const struct buf *line)
{
    size_t at = 0;
    pthread_mutex_lock(&log_lock);
    while (at < line->len) {
        ssize_t wrote = write(STDERR_FILENO, line->data + at, line->len - at);
        if (wrote <= 0)
            break; /* nobody listens: a log must not stop the work */
        at += (size_t)wrote;
    }
    pthread_mutex_unlock(&log_lock);
}

static void build_line(struct buf *line, enum log_level level, const struct buf *text)
{
    char time[32];
    when_iso(world_real()->now_ms(world_real()), time);
    if (atomic_load(&as_json)) {
        struct jw w;
        jw_init(&w, line);
        jw_object(&w);
        jw_kv_text(&w, "time", time);
        jw_kv_text(&w, "level", level_names[level]);
        jw_key(&w, "message");
        jw_text_n(&w, buf_text(text), text->len);
        jw_end_object(&w);
    } else {
        buf_printf(line, "%s %-5s ", time, level_names[level]);
        append_escaped(line, buf_text(text), text->len);
    }
    buf_char(line, '\n');
}

void log_at(enum log_level level, const char *fmt, ...)
{
    if ((int)level < atomic_load(&lowest) || level >= LOG_NONE)
        return;
    struct buf raw = BUF_INIT, clean = BUF_INIT, line = BUF_INIT;
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&raw, fmt, args);
    va_end(args);
    log_redact(buf_text(&raw), &clean);
    build_line(&line, level, &clean);
    write_line(&line);
    buf_wipe(&raw);
    buf_free(&clean);
    buf_free(&line);
}
