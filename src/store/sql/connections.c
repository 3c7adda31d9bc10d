/* connections.c - connections by name, and sealed texts by label.
 *
 * Sealed texts are ciphertext already. When one is replaced or deleted the old
 * bytes are overwritten in the file where the database can do that, not merely
 * unlinked. */
#include "store/sql/sql_priv.h"

#define COLUMNS                                                                                    \
    "id,name,connector,environment,login_url,instance_url,client_id,org_id,user_id,username,"      \
    "org_name,scopes,status,connected_ms,last_used_ms,daily_call_budget"

static void bind_connection(struct sq_stmt *stmt, const struct connection *c)
{
    const char *texts[] = {c->name,         c->connector, c->environment, c->login_url,
                           c->instance_url, c->client_id, c->org_id,      c->user_id,
                           c->username,     c->org_name,  c->scopes,      c->status};
    for (int i = 0; i < 12; i++)
        sq_text(stmt, i + 1, texts[i]);
    sq_int(stmt, 13, c->connected_ms);
    sq_int(stmt, 14, c->last_used_ms);
    sq_int(stmt, 15, c->daily_call_budget);
}

static void read_connection(struct sq_stmt *stmt, struct arena *arena, struct connection *c)
{
    const char **texts[] = {&c->name,         &c->connector, &c->environment, &c->login_url,
                            &c->instance_url, &c->client_id, &c->org_id,      &c->user_id,
                            &c->username,     &c->org_name,  &c->scopes,      &c->status};
    c->id = sq_col_int(stmt, 0);
    for (int i = 0; i < 12; i++)
        *texts[i] = sq_col_text(stmt, i + 1, arena);
    c->connected_ms = sq_col_int(stmt, 13);
    c->last_used_ms = sq_col_int(stmt, 14);
    c->daily_call_budget = sq_col_int(stmt, 15);
}

static enum status put(struct sq *sq, struct connection *connection, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(
        sq, err,
        "INSERT INTO connections(name,connector,environment,login_url,instance_url,client_id,"
        "org_id,user_id,username,org_name,scopes,status,connected_ms,last_used_ms,"
        "daily_call_budget) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
        " ON CONFLICT(name) DO UPDATE SET name=excluded.name,connector=excluded.connector,"
        "environment=excluded.environment,login_url=excluded.login_url,"
        "instance_url=excluded.instance_url,client_id=excluded.client_id,org_id=excluded.org_id,"
        "user_id=excluded.user_id,username=excluded.username,org_name=excluded.org_name,"
        "scopes=excluded.scopes,status=excluded.status,connected_ms=excluded.connected_ms,"
        "last_used_ms=excluded.last_used_ms,daily_call_budget=excluded.daily_call_budget"
        " RETURNING id");
    if (!stmt)
        return FAIL;
    bind_connection(stmt, connection);
    if (sq_one_int(sq, stmt, 0, &connection->id, err) != OK)
        return FAIL;
    sq_note(sq, NOUN_CONNECTION, 0, connection->id);
    return OK;
}

enum status sq_connection_put(struct store *store, struct connection *connection, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, put(sq, connection, err), err);
}

enum status sq_connection_get(struct store *store, struct arena *arena, const char *name,
                              struct connection *out, struct err *err)
{
    struct sq *sq = sq_of(store);
    bool row;
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT " COLUMNS " FROM connections WHERE name=?");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, name);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    if (!row)
        return err_set(err, ERR_NOT_FOUND, "there is no connection \"%s\"", name);
    *out = (struct connection){0};
    read_connection(stmt, arena, out);
    sq_reset(stmt);
    return OK;
}

enum status sq_connection_list(struct store *store, struct arena *arena, struct connection **out,
                               size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    VEC(struct connection) list = {0};
    enum status rc = FAIL;
    bool row = true;
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT " COLUMNS " FROM connections ORDER BY name");
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row) {
        struct connection c = {0};
        read_connection(stmt, arena, &c);
        vec_push(&list, c);
    }
    *out = arena_array(arena, list.len + 1, sizeof **out);
    for (size_t i = 0; i < list.len; i++)
        (*out)[i] = list.at[i];
    *count = list.len;
    vec_free(&list);
    return rc;
}

static enum status delete_parts(struct sq *sq, int64_t id, struct err *err)
{
    static const char *const parts[] = {
        "DELETE FROM builders WHERE connection_id=?",
        "DELETE FROM describes WHERE connection_id=?",
        "DELETE FROM meta WHERE name='default_connection' AND CAST(value AS TEXT)=CAST(? AS TEXT)",
        "DELETE FROM connections WHERE id=?",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct sq_stmt *stmt = sq_stmt(sq, err, parts[i]);
        if (!stmt)
            return FAIL;
        sq_int(stmt, 1, id);
        if (sq_done(sq, stmt, err) != OK)
            return FAIL;
    }
    return OK;
}

static enum status delete_connection(struct sq *sq, const char *name, struct err *err)
{
    int64_t id, open;
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT id FROM connections WHERE name=?");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, name);
    if (sq_one_int(sq, stmt, 0, &id, err) != OK)
        return FAIL;
    if (!id)
        return err_set(err, ERR_NOT_FOUND, "there is no connection \"%s\"", name);
    if (sq_open_ops(sq, "connection_id", id, &open, err) != OK)
        return FAIL;
    if (open) {
        err_set(err, ERR_CONFLICT, "connection \"%s\" has %lld open operations", name,
                (long long)open);
        err_hint(err, "Let them finish or settle them first: argil journal list.");
        return FAIL;
    }
    sq_note(sq, NOUN_CONNECTION, 0, id);
    return delete_parts(sq, id, err);
}

enum status sq_connection_delete(struct store *store, const char *name, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, delete_connection(sq, name, err), err);
}

/* ---------------------------------------------------------------- sealed */

/* One statement with up to two texts; what it replaces leaves no trace in the file. */
static enum status change_sealed(struct sq *sq, const char *sql, const char *label,
                                 const char *sealed, struct err *err)
{
    if (sq->engine->scrub(sq, true, false, err) != OK || sq_begin(sq, err) != OK)
        return FAIL;
    struct sq_stmt *stmt = sq_stmt(sq, err, sql);
    enum status rc = FAIL;
    if (stmt) {
        sq_text(stmt, 1, label);
        if (sealed) {
            sq_text(stmt, 2, sealed);
            sq_int(stmt, 3, sq_now(sq));
        }
        rc = sq_done(sq, stmt, err);
    }
    rc = sq_end(sq, rc, err);
    sq->engine->scrub(sq, false, false, NULL);
    return rc;
}

enum status sq_sealed_put(struct store *store, const char *label, const char *sealed,
                          struct err *err)
{
    return change_sealed(sq_of(store),
                         "INSERT INTO sealed(label,sealed,changed_ms) VALUES(?,?,?)"
                         " ON CONFLICT(label) DO UPDATE SET sealed=excluded.sealed,"
                         "changed_ms=excluded.changed_ms",
                         label, sealed, err);
}

enum status sq_sealed_replace(struct store *store, const char *const *labels,
                              const char *const *sealed, size_t count, struct err *err)
{
    struct sq *sq = sq_of(store);
    enum status rc = OK;
    if (sq->engine->scrub(sq, true, false, err) != OK || sq_begin(sq, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count && rc == OK; i++) {
        struct sq_stmt *stmt =
            sq_stmt(sq, err, "UPDATE sealed SET sealed=?2,changed_ms=?3 WHERE label=?1");
        if (!stmt) {
            rc = FAIL;
            break;
        }
        sq_text(stmt, 1, labels[i]);
        sq_text(stmt, 2, sealed[i]);
        sq_int(stmt, 3, sq_now(sq));
        rc = sq_done(sq, stmt, err);
    }
    rc = sq_end(sq, rc, err);
    sq->engine->scrub(sq, false, rc == OK, NULL);
    return rc;
}

enum status sq_sealed_delete(struct store *store, const char *label, struct err *err)
{
    return change_sealed(sq_of(store), "DELETE FROM sealed WHERE label=?", label, NULL, err);
}

enum status sq_sealed_get(struct store *store, struct arena *arena, const char *label,
                          const char **out, struct err *err)
{
    struct sq *sq = sq_of(store);
    bool row;
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT sealed FROM sealed WHERE label=?");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, label);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    if (!row)
        return err_set(err, ERR_NOT_FOUND, "nothing is stored under \"%s\"", label);
    *out = sq_col_text(stmt, 0, arena);
    sq_reset(stmt);
    return OK;
}

enum status sq_sealed_list(struct store *store, struct arena *arena, const char *prefix,
                           const char ***labels, size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    VEC(const char *) list = {0};
    enum status rc = FAIL;
    bool row = true;
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "SELECT label FROM sealed WHERE substr(label,1,length(?1))=?1"
                                 " ORDER BY label");
    if (stmt)
        sq_text(stmt, 1, prefix ? prefix : "");
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row)
        vec_push(&list, sq_col_text(stmt, 0, arena));
    *labels = arena_array(arena, list.len + 1, sizeof **labels);
    for (size_t i = 0; i < list.len; i++)
        (*labels)[i] = list.at[i];
    *count = list.len;
    vec_free(&list);
    return rc;
}
