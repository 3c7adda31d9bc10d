/* logins.c - writing LoginHistory. Rows older than six months go, as in a real
 * org; looked for once in a thousand rows. */
#include "localorg/rest/logins.h"

#include "base/log.h"

#include <string.h>

#define KEPT_MS     (180ll * 86400000)
#define SWEEP_EVERY 1000

static bool run(sqlite3_stmt *statement)
{
    bool done = statement && sqlite3_step(statement) == SQLITE_DONE;
    sqlite3_finalize(statement);
    return done;
}

static bool add_row(sqlite3 *db, const char *id, const struct login *login)
{
    static const char sql[] =
        "INSERT INTO \"LoginHistory\" (\"Id\", \"UserId\", \"LoginTime\", \"LoginType\","
        " \"LoginSubType\", \"LoginUrl\", \"SourceIp\", \"Status\", \"Application\", \"Browser\","
        " \"Platform\", \"ClientVersion\", \"ApiType\", \"ApiVersion\", \"OptionsIsPost\")"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'Unknown', 'N/A', 'N/A', 'N/A', 1)";
    const char *texts[] = {login->type,   login->sub_type,    login->url,    login->source_ip,
                           login->status, login->application, login->browser};
    sqlite3_stmt *put = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &put, NULL) != SQLITE_OK)
        return false;
    sqlite3_bind_text(put, 1, id, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 2, login->user_id, -1, SQLITE_STATIC);
    sqlite3_bind_int64(put, 3, login->at_ms / 1000 * 1000);
    for (int i = 0; i < 7; i++)
        sqlite3_bind_text(put, 4 + i, texts[i], -1, SQLITE_STATIC);
    return run(put);
}

static bool touch_user(sqlite3 *db, const struct login *login)
{
    sqlite3_stmt *update = NULL;
    sqlite3_prepare_v2(db, "UPDATE \"User\" SET \"LastLoginDate\" = ?2 WHERE \"Id\" = ?1", -1,
                       &update, NULL);
    sqlite3_bind_text(update, 1, login->user_id, -1, SQLITE_STATIC);
    sqlite3_bind_int64(update, 2, login->at_ms / 1000 * 1000);
    return run(update);
}

static void sweep(sqlite3 *db, const struct login *login)
{
    static _Atomic int count;
    sqlite3_stmt *drop = NULL;
    if (++count % SWEEP_EVERY != 0)
        return;
    sqlite3_prepare_v2(db, "DELETE FROM \"LoginHistory\" WHERE \"LoginTime\" < ?1", -1, &drop,
                       NULL);
    sqlite3_bind_int64(drop, 1, login->at_ms - KEPT_MS);
    run(drop);
}

void logins_add(struct org *org, const struct login *login)
{
    char id[19];
    struct err err = {{0}};
    const struct sobject *object = schema_find(org_schema(org), "LoginHistory");
    sqlite3 *db = object ? org_write_begin(org) : NULL;
    if (!db)
        return;
    bool good = org_next_id(org, object, id, &err) == OK && add_row(db, id, login) &&
                (strcmp(login->status, "Success") != 0 || touch_user(db, login));
    if (good)
        sweep(db, login);
    if (org_write_end(org, good, &err) != OK || !good)
        log_warn("a sign-in could not be noted: %s", err.message);
}
