/* evidence.c - what is known of an operation's exchanges, as JSON, in the operation's row.
 *
 * What a process learned that was replaced meanwhile comes late: it is kept under "late", behind
 * what is there, and moves nothing (W7). */
#include "store/sql/sql_priv.h"

#include "base/json.h"

#include <string.h>

static enum status set_evidence(struct sq *sq, int64_t id, const char *evidence, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err, "UPDATE ops SET evidence=?2 WHERE id=?1");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, id);
    sq_text(stmt, 2, evidence);
    return sq_done(sq, stmt, err);
}

static const struct json *evidence_of(struct sq *sq, const char *text)
{
    return text ? json_parse(sq->scratch, text, strlen(text), NULL) : NULL;
}

enum status evidence_join(struct sq *sq, int64_t id, const char *held, const char *news,
                          struct err *err)
{
    const struct json *was = evidence_of(sq, held), *is = evidence_of(sq, news), *late;
    struct buf text = BUF_INIT;
    struct jw w;
    if (!was || !is || is->type != JSON_OBJECT || !(late = json_get(was, "late")))
        return set_evidence(sq, id, news, err);
    jw_init(&w, &text);
    jw_object(&w);
    json_each(member, is)
    {
        if (text_eq(member->key, "late"))
            continue;
        jw_key(&w, member->key);
        jw_value(&w, member);
    }
    jw_key(&w, "late");
    jw_value(&w, late);
    jw_end_object(&w);
    enum status rc = set_evidence(sq, id, buf_text(&text), err);
    buf_free(&text);
    return rc;
}

static void put_news(struct jw *w, struct sq *sq, const struct op_settle *s)
{
    const struct json *evidence = evidence_of(sq, s->evidence);
    jw_object(w);
    jw_kv_int(w, "epoch", s->epoch);
    jw_kv_text(w, "outcome", op_state_name(s->to));
    jw_kv_text(w, "result_id", s->result_id);
    jw_key(w, "evidence");
    if (evidence)
        jw_value(w, evidence);
    else
        jw_text(w, s->evidence);
    jw_end_object(w);
}

/* The evidence `held` with the news under "late", behind what is there. */
static void put_late(struct buf *out, struct sq *sq, const char *held, const struct op_settle *s)
{
    const struct json *was = evidence_of(sq, held);
    const struct json *late = was && was->type == JSON_OBJECT ? json_get(was, "late") : NULL;
    struct jw w;
    jw_init(&w, out);
    jw_object(&w);
    if (was && was->type == JSON_OBJECT) {
        json_each(member, was)
        {
            if (member == late)
                continue;
            jw_key(&w, member->key);
            jw_value(&w, member);
        }
    } else {
        jw_kv_text(&w, "was", held);
    }
    jw_key(&w, "late");
    jw_array(&w);
    json_each(news, late) jw_value(&w, news);
    put_news(&w, sq, s);
    jw_end_array(&w);
    jw_end_object(&w);
}

enum status evidence_keep_late(struct sq *sq, const struct op_settle *s, struct err *err)
{
    bool row;
    struct buf text = BUF_INIT;
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT evidence FROM ops WHERE id=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, s->id);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    if (!row)
        return OK;
    put_late(&text, sq, sq_col_text(stmt, 0, sq->scratch), s);
    sq_reset(stmt);
    enum status rc = set_evidence(sq, s->id, buf_text(&text), err);
    buf_free(&text);
    return rc;
}
