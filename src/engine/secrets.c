/* secrets.c - sealed texts: what people store under a name, and what the engine
 * stores under labels of its own ("token:3"). The label is sealed in, too: texts
 * cannot be swapped. */
#include "engine/run_priv.h"

#include <string.h>

enum status engine_seal(struct engine *engine, const char *label, const struct secret *secret,
                        struct err *err)
{
    struct arena *arena = arena_new();
    char *sealed = vault_seal(engine->vault, arena, label, secret);
    enum status rc = sealed ? engine->store->does->sealed_put(engine->store, label, sealed, err)
                            : err_set(err, ERR_IO, "sealing %s failed", label);
    arena_free(arena);
    return rc;
}

enum status engine_unseal(struct engine *engine, const char *label, struct secret *out,
                          struct err *err)
{
    struct arena *arena = arena_new();
    const char *sealed = NULL;
    enum status rc = engine->store->does->sealed_get(engine->store, arena, label, &sealed, err);
    if (rc == OK)
        rc = vault_unseal(engine->vault, label, sealed, out, err);
    arena_free(arena);
    return rc;
}

enum status engine_secret_put(struct engine *engine, const char *name, const struct secret *value,
                              struct err *err)
{
    char label[300];
    if (strlen(name) > 200)
        return err_set(err, ERR_INVALID, "a secret's name has at most 200 characters");
    snprintf(label, sizeof label, "secret:%s", name);
    return engine_seal(engine, label, value, err);
}

enum status engine_secret_get(struct engine *engine, const char *name, struct secret *out,
                              struct err *err)
{
    char label[300];
    snprintf(label, sizeof label, "secret:%.200s", name);
    if (engine_unseal(engine, label, out, err) == OK)
        return OK;
    if (err_is(err, ERR_NOT_FOUND)) {
        err_set(err, ERR_NOT_FOUND, "there is no secret named \"%s\"", name);
        err_hint(err, "Store it with: argil secret set %s", name);
    }
    return FAIL;
}
