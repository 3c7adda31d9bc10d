/* contracts.c - versions of field contracts, appended and never changed. */
#include "store/sql/sql_priv.h"
#include "store/store_contracts.h"

#include "base/json.h"

const char sq_step_contracts[] =
    "CREATE TABLE contracts("
    " connection_id INTEGER NOT NULL, version INTEGER NOT NULL, at_ms INTEGER NOT NULL,"
    " who TEXT NOT NULL, ticket TEXT, note TEXT, text TEXT NOT NULL,"
    " PRIMARY KEY(connection_id, version)) WITHOUT ROWID;";

static enum status note(struct sq *sq, int64_t connection_id, const struct contract_version *v,
                        struct err *err)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_int(&w, "connection_id", connection_id);
    jw_kv_int(&w, "version", v->version);
    jw_kv_text(&w, "ticket", v->ticket);
    jw_kv_text(&w, "note", v->note);
    jw_end_object(&w);
    enum status rc = audit_append(sq, v->who, "contract applied", buf_text(&text), err);
    buf_free(&text);
    return rc;
}

static enum status put(struct sq *sq, int64_t connection_id, struct contract_version *v,
                       struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "SELECT max(version) FROM contracts WHERE connection_id=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, connection_id);
    if (sq_one_int(sq, stmt, 0, &v->version, err) != OK)
        return FAIL;
    v->version++;
    v->at_ms = sq_now(sq);
    stmt = sq_stmt(sq, err, "INSERT INTO contracts VALUES(?,?,?,?,?,?,?)");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, connection_id);
    sq_int(stmt, 2, v->version);
    sq_int(stmt, 3, v->at_ms);
    sq_text(stmt, 4, v->who);
    sq_text(stmt, 5, v->ticket);
    sq_text(stmt, 6, v->note);
    sq_text(stmt, 7, v->text);
    return sq_done(sq, stmt, err) == OK ? note(sq, connection_id, v, err) : FAIL;
}

static enum status contracts_put(struct store *store, int64_t connection_id,
                                 struct contract_version *version, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, put(sq, connection_id, version, err), err);
}

static void read_version(struct sq_stmt *stmt, struct arena *arena, struct contract_version *out)
{
    *out = (struct contract_version){.version = sq_col_int(stmt, 0),
                                     .at_ms = sq_col_int(stmt, 1),
                                     .who = sq_col_text(stmt, 2, arena),
                                     .ticket = sq_col_text(stmt, 3, arena),
                                     .note = sq_col_text(stmt, 4, arena),
                                     .text = sq_col_text(stmt, 5, arena)};
}

static enum status contracts_get(struct store *store, struct arena *arena, int64_t connection_id,
                                 int64_t version, struct contract_version *out, struct err *err)
{
    struct sq *sq = sq_of(store);
    bool row;
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "SELECT version,at_ms,who,ticket,note,text FROM contracts"
                                 " WHERE connection_id=?1 AND (?2=0 OR version=?2)"
                                 " ORDER BY version DESC LIMIT 1");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, connection_id);
    sq_int(stmt, 2, version);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    if (!row)
        return version ? err_set(err, ERR_NOT_FOUND, "the contract has no version %lld",
                                 (long long)version)
                       : err_set(err, ERR_NOT_FOUND, "the connection has no contract");
    read_version(stmt, arena, out);
    sq_reset(stmt);
    return OK;
}

static enum status contracts_list(struct store *store, struct arena *arena, int64_t connection_id,
                                  struct contract_version **out, size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    VEC(struct contract_version) list = {0};
    enum status rc = FAIL;
    bool row = true;
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "SELECT version,at_ms,who,ticket,note,NULL FROM contracts"
                                 " WHERE connection_id=? ORDER BY version DESC");
    if (stmt)
        sq_int(stmt, 1, connection_id);
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row) {
        struct contract_version version;
        read_version(stmt, arena, &version);
        vec_push(&list, version);
    }
    *count = list.len;
    *out = arena_array(arena, list.len + 1, sizeof **out);
    for (size_t i = 0; i < list.len; i++)
        (*out)[i] = list.at[i];
    vec_free(&list);
    return rc;
}

const struct store_contracts sq_contracts = {
    .put = contracts_put, .get = contracts_get, .list = contracts_list};
