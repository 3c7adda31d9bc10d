/* audit.c - an append-only list whose lines are chained by their hashes.
 *
 * hash = SHA-256 over the hash before and every member of the line, each with
 * its length in front, so that no two lines hash alike by moving a border. The
 * last hash and the number of lines are also in `meta`: cutting lines off the
 * end shows too. It shows tampering by hand; somebody who rewrites the whole
 * file with this program's knowledge is caught by an anchor kept elsewhere.
 *
 * A transaction reads the end of the chain once and writes it once, however many
 * lines it adds: `audit` of struct sq has it meanwhile. */
#include "store/sql/sql_priv.h"

#include <stdio.h>
#include <string.h>

#define GENESIS "argil audit 1"

static void number(struct buf *out, int64_t number, char end)
{
    char text[24];
    size_t at = sizeof text;
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    text[--at] = end;
    do
        text[--at] = (char)('0' + left % 10);
    while (left /= 10);
    if (number < 0)
        text[--at] = '-';
    buf_append(out, text + at, sizeof text - at);
}

static void member(struct buf *out, const char *text)
{
    if (!text) {
        buf_str(out, "-,");
        return;
    }
    size_t len = strlen(text);
    number(out, (int64_t)len, ':');
    buf_append(out, text, len);
    buf_char(out, ',');
}

static void line_hash(const char *prev, int64_t id, int64_t at, const char *who, const char *what,
                      const char *detail, char out[65])
{
    struct buf line = BUF_INIT;
    member(&line, prev);
    number(&line, id, ',');
    number(&line, at, ',');
    member(&line, who);
    member(&line, what);
    member(&line, detail);
    sha256_hex(line.data, line.len, out);
    buf_free(&line);
}

static enum status read_head(struct sq *sq, struct arena *arena, int64_t *lines, const char **hash,
                             struct err *err)
{
    bool row;
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "SELECT (SELECT value FROM meta WHERE name='audit_lines'),"
                                 "(SELECT value FROM meta WHERE name='audit_head')");
    if (!stmt || sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    *lines = sq_col_int(stmt, 0);
    *hash = sq_col_text(stmt, 1, arena);
    if (!*hash)
        *hash = GENESIS;
    sq_reset(stmt);
    return OK;
}

static enum status write_head(struct sq *sq, int64_t lines, const char *hash, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "INSERT INTO meta(name,value) VALUES('audit_lines',?1),('audit_head',?2)"
                " ON CONFLICT(name) DO UPDATE SET value=excluded.value");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, arena_printf(sq->scratch, "%lld", (long long)lines));
    sq_text(stmt, 2, hash);
    return sq_done(sq, stmt, err);
}

enum status audit_begin(struct sq *sq, struct err *err)
{
    const char *hash;
    if (sq->audit.known)
        return OK;
    if (read_head(sq, sq->scratch, &sq->audit.lines, &hash, err) != OK)
        return FAIL;
    snprintf(sq->audit.hash, sizeof sq->audit.hash, "%s", hash);
    sq->audit.known = true;
    return OK;
}

enum status audit_end(struct sq *sq, struct err *err)
{
    return sq->audit.moved ? write_head(sq, sq->audit.lines, sq->audit.hash, err) : OK;
}

enum status audit_append(struct sq *sq, const char *who, const char *what, const char *detail,
                         struct err *err)
{
    int64_t now = sq_now(sq);
    char hash[65];
    if (audit_begin(sq, err) != OK)
        return FAIL;
    who = who ? who : "";
    what = what ? what : "";
    line_hash(sq->audit.hash, sq->audit.lines + 1, now, who, what, detail, hash);
    struct sq_stmt *stmt = sq_stmt(
        sq, err, "INSERT INTO audit(id,at_ms,who,what,detail,prev,hash) VALUES(?,?,?,?,?,?,?)");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, sq->audit.lines + 1);
    sq_int(stmt, 2, now);
    sq_text(stmt, 3, who);
    sq_text(stmt, 4, what);
    sq_text(stmt, 5, detail);
    sq_text(stmt, 6, sq->audit.hash);
    sq_text(stmt, 7, hash);
    if (sq_add(sq, stmt, NULL, err) != OK)
        return FAIL;
    sq->audit.lines++;
    sq->audit.moved = true;
    memcpy(sq->audit.hash, hash, sizeof hash);
    return OK;
}

enum status sq_audit_add(struct store *store, const char *who, const char *what, const char *detail,
                         struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, audit_append(sq, who, what, detail, err), err);
}

/* --------------------------------------------------------------- verify */

static enum status tampered(struct err *err, int64_t line, const char *how)
{
    err_set(err, ERR_AUDIT_TAMPERED, "the audit is not as it was written: line %lld %s",
            (long long)line, how);
    err_hint(err, "Compare with the last exported audit, and treat later lines as unproved.");
    return FAIL;
}

static enum status verify_lines(struct sq *sq, int64_t *lines, char hash[65], struct err *err)
{
    bool row = true;
    char expected[65];
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "SELECT id,at_ms,who,what,detail,prev,hash FROM audit ORDER BY id");
    if (stmt)
        sq_stream(stmt);
    while (stmt) {
        if (sq_row(sq, stmt, &row, err) != OK)
            return FAIL;
        if (!row)
            return OK;
        const char *at[7];
        for (int i = 2; i < 7; i++)
            at[i] = sq_col_peek(stmt, i);
        int64_t id = sq_col_int(stmt, 0);
        const char *how = NULL;
        line_hash(*lines ? hash : GENESIS, id, sq_col_int(stmt, 1), at[2], at[3], at[4],
                  expected);
        if (id != *lines + 1)
            how = "follows a line that is missing";
        else if (!text_eq(at[6], expected) || !text_eq(at[5], *lines ? hash : GENESIS))
            how = "was changed";
        if (how) {
            sq_reset(stmt);
            return tampered(err, *lines + 1, how);
        }
        memcpy(hash, expected, sizeof expected);
        ++*lines;
    }
    return FAIL;
}

static enum status verify(struct sq *sq, int64_t *lines, struct err *err)
{
    char hash[65] = "";
    int64_t expected;
    const char *head;
    struct arena *arena = arena_new();
    enum status rc = verify_lines(sq, lines, hash, err);
    if (rc == OK && (rc = read_head(sq, arena, &expected, &head, err)) == OK &&
        (expected != *lines || !text_eq(head, *lines ? hash : GENESIS)))
        rc = tampered(err, *lines + 1, "is missing");
    arena_free(arena);
    return rc;
}

enum status sq_audit_verify(struct store *store, int64_t *lines, struct err *err)
{
    struct sq *sq = sq_of(store);
    *lines = 0;
    if (sq_begin_read(sq, err) != OK)
        return FAIL;
    return sq_end(sq, verify(sq, lines, err), err);
}
