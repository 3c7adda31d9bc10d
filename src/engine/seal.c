/* seal.c - `argil connection seal`: an object gets our key field, an audit line says who
 * asked for it, and the org is asked once more whether it took. */
#include "engine/access.h"
#include "engine/journal.h"

#include "base/str.h"

#include <string.h>

static enum status note(struct engine *engine, const char *connection, const struct crm_seal *seal,
                        struct err *err)
{
    struct buf detail = BUF_INIT;
    struct jw w;
    jw_init(&w, &detail);
    jw_object(&w);
    jw_kv_text(&w, "connection", connection);
    jw_kv_text(&w, "object", seal->object);
    jw_kv_text(&w, "field", seal->field);
    jw_key(&w, "steps");
    jw_array(&w);
    for (size_t i = 0; i < seal->step_count; i++)
        jw_text(&w, seal->steps[i]);
    jw_end_array(&w);
    jw_end_object(&w);
    enum status rc = engine->store->does->audit_add(engine->store, engine_actor(engine),
                                                    "object sealed", buf_text(&detail), err);
    buf_free(&detail);
    return rc;
}

/* A session of its own: the one that made the field has the old describe. */
static enum status took(struct engine *engine, const char *connection, const char *name,
                        bool *sealed, struct err *err)
{
    struct crm_session *session = engine_session(engine, connection, err);
    const struct crm_object *object =
        session ? session->does->describe(session, name, err) : NULL;
    *sealed = object && mode_seal_field(object);
    if (session)
        session->does->close(session);
    return object ? OK : FAIL;
}

enum status engine_seal_object(struct engine *engine, struct arena *arena, const char *connection,
                        const char *object, bool dry_run, struct crm_seal *out, bool *sealed,
                        struct err *err)
{
    *sealed = false;
    if (access_may_build(engine, connection, err) != OK)
        return FAIL;
    struct crm_session *session = engine_session(engine, connection, err);
    if (!session)
        return FAIL;
    enum status rc =
        session->does->seal
            ? session->does->seal(session, arena, object, dry_run, out, err)
            : err_set(err, ERR_INVALID, "\"%s\" is no remote that takes key fields", connection);
    session->does->close(session);
    if (rc != OK)
        return FAIL;
    *sealed = out->there;
    if (dry_run || out->there || !out->step_count)
        return OK;
    if (note(engine, connection, out, err) != OK)
        return FAIL;
    return out->click_count ? OK : took(engine, connection, out->object, sealed, err);
}
