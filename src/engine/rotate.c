/* rotate.c - a new key for everything that is sealed.
 *
 * The order makes a death at any point harmless: the new key is on disk beside
 * the old one, then all texts change in one transaction, then the key file
 * does. Rotating again finishes what was left, whichever key a text is under. */
#include "engine/run_priv.h"

enum status engine_rotate(struct engine *engine, size_t *count, struct err *err)
{
    const struct store_driver *does = engine->store->does;
    struct arena *arena = arena_new();
    const char **labels = NULL, **sealed;
    struct secret plain = {0};
    enum status rc = vault_rotate_begin(engine->vault, err);

    *count = 0;
    crash_point(engine, "V1");
    if (rc == OK)
        rc = does->sealed_list(engine->store, arena, "", &labels, count, err);
    sealed = arena_array(arena, *count + 1, sizeof *sealed);
    for (size_t i = 0; i < *count && rc == OK; i++) {
        const char *old = NULL;
        rc = does->sealed_get(engine->store, arena, labels[i], &old, err);
        if (rc == OK)
            rc = vault_unseal(engine->vault, labels[i], old, &plain, err);
        if (rc == OK)
            sealed[i] = vault_reseal(engine->vault, arena, labels[i], &plain);
        secret_wipe(&plain);
    }
    if (rc == OK && *count)
        rc = does->sealed_replace(engine->store, labels, sealed, *count, err);
    crash_point(engine, "V2");
    if (rc == OK)
        rc = vault_rotate_commit(engine->vault, err);
    crash_point(engine, "V3");
    arena_free(arena);
    return rc;
}
