/* suite_connections.c - leases, who may build with a connection, the default
 * one, and what an org said of its objects. */
#include "store/store_access.h"
#include "store/store_describes.h"
#include "store/store_leases.h"
#include "store/store_suite.h"

#include <pthread.h>
#include <string.h>

#define S suite.store, suite.arena
#define ID suite.connection.id

/* ----------------------------------------------------------------- leases */

static bool take(const char *name, const char *owner, struct store_lease *holder)
{
    bool taken;
    CHECK_OK(suite.does->leases->take(S, name, owner, 60000, &taken, holder, &suite.err),
             &suite.err);
    return taken;
}

TEST(leases, one_owner_until_it_gives_back)
{
    struct store_lease holder;
    CHECK(take("renew:1", "ann", &holder));
    CHECK(take("renew:2", "bob", &holder));
    CHECK(!take("renew:1", "bob", &holder));
    CHECK_STR(holder.owner, "ann");
    CHECK(take("renew:1", "ann", &holder)); /* prolongs its own */
    CHECK_OK(suite.does->leases->give_back(suite.store, "renew:1", "bob", &suite.err),
             &suite.err); /* not bob's to give */
    CHECK(!take("renew:1", "bob", &holder));
    CHECK_OK(suite.does->leases->give_back(suite.store, "renew:1", "ann", &suite.err),
             &suite.err);
    CHECK(take("renew:1", "bob", &holder));
}

TEST(leases, a_deadline_ends_the_lease_of_one_who_hangs)
{
    struct store_lease holder;
    CHECK(take("renew:1", "ann", &holder));
    world_fake_advance(suite.world, 59999);
    CHECK(!take("renew:1", "bob", &holder));
    world_fake_advance(suite.world, 1);
    CHECK(take("renew:1", "bob", &holder));
    CHECK_OK(suite.does->leases->give_back(suite.store, "renew:1", "ann", &suite.err),
             &suite.err); /* late: it is bob's by now */
    CHECK(!take("renew:1", "ann", &holder));
}

TEST(leases, none_outlives_its_process)
{
    struct store_lease holder;
    CHECK(take("renew:1", "ann", &holder));
    suite_reopen();
    CHECK(take("renew:1", "bob", &holder));
}

struct rival {
    struct store *store;
    char owner[16];
    bool taken;
};

static void *rival_takes(void *arg)
{
    struct rival *rival = arg;
    struct arena *arena = arena_new();
    struct store_lease holder;
    struct err err = {0};
    if (rival->store->does->leases->take(rival->store, arena, "renew:1", rival->owner, 60000,
                                         &rival->taken, &holder, &err) != OK)
        rival->taken = false;
    arena_free(arena);
    return NULL;
}

TEST(leases, of_many_threads_one_has_it)
{
    struct rival rivals[8];
    pthread_t threads[8];
    int owners = 0;
    for (int i = 0; i < 8; i++) {
        snprintf(rivals[i].owner, sizeof rivals[i].owner, "t%d", i);
        CHECK_OK(suite.does->open_another(suite.store, false, &rivals[i].store, &suite.err),
                 &suite.err);
    }
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, rival_takes, &rivals[i]);
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        owners += rivals[i].taken;
        suite.does->close(rivals[i].store);
    }
    CHECK_INT(owners, 1);
}

/* ----------------------------------------------------------------- access */

TEST(access, a_list_is_set_as_a_whole_and_ignores_case)
{
    const char *some[] = {"bob@acme.example", "Ann@acme.example", "ann@ACME.example"}, **names;
    size_t count;
    CHECK_OK(suite.does->access->builders_get(S, ID, &names, &count, &suite.err), &suite.err);
    CHECK_INT(count, 0);
    CHECK_OK(suite.does->access->builders_set(suite.store, ID, some, 3, &suite.err), &suite.err);
    CHECK_OK(suite.does->access->builders_get(S, ID, &names, &count, &suite.err), &suite.err);
    CHECK_INT(count, 2);
    CHECK_STR(names[0], "Ann@acme.example");
    CHECK_STR(names[1], "bob@acme.example");
    CHECK_OK(suite.does->access->builders_set(suite.store, ID, some, 1, &suite.err), &suite.err);
    CHECK_OK(suite.does->access->builders_get(S, ID, &names, &count, &suite.err), &suite.err);
    CHECK_INT(count, 1);
    CHECK_OK(suite.does->access->builders_set(suite.store, ID, NULL, 0, &suite.err), &suite.err);
    CHECK_OK(suite.does->access->builders_get(S, ID, &names, &count, &suite.err), &suite.err);
    CHECK_INT(count, 0);
}

TEST(access, the_default_goes_with_its_connection)
{
    int64_t id = -1;
    struct connection second = {.name = "test", .org_id = ORG};
    CHECK_OK(suite.does->access->default_get(suite.store, &id, &suite.err), &suite.err);
    CHECK_INT(id, 0);
    CHECK_OK(suite.does->connection_put(suite.store, &second, &suite.err), &suite.err);
    CHECK_OK(suite.does->access->default_set(suite.store, ID, &suite.err), &suite.err);
    CHECK_OK(suite.does->access->default_set(suite.store, second.id, &suite.err), &suite.err);
    CHECK_OK(suite.does->access->default_get(suite.store, &id, &suite.err), &suite.err);
    CHECK_INT(id, second.id);
    CHECK_OK(suite.does->connection_delete(suite.store, "test", &suite.err), &suite.err);
    CHECK_OK(suite.does->access->default_get(suite.store, &id, &suite.err), &suite.err);
    CHECK_INT(id, 0);
}

TEST(access, status_and_last_use_are_kept)
{
    struct connection c;
    world_fake_advance(suite.world, 5000);
    CHECK_OK(suite.does->access->status_set(suite.store, ID, "reconnect needed", &suite.err),
             &suite.err);
    CHECK_OK(suite.does->access->used(suite.store, ID, &suite.err), &suite.err);
    CHECK_OK(suite.does->connection_get(S, "prod", &c, &suite.err), &suite.err);
    CHECK_STR(c.status, "reconnect needed");
    CHECK_INT(c.last_used_ms, suite.world->now_ms(suite.world));
}

/* -------------------------------------------------------------- describes */

TEST(describes, are_kept_by_connection_user_and_name)
{
    static const char lead[] = "{\"name\":\"Lead\"}", when[] = "Tue, 03 Mar 2026 10:00:00 GMT";
    struct store_describe out;
    CHECK_FAIL(suite.does->describes->get(S, ID, "005A", "Lead", &out, &suite.err), &suite.err,
               ERR_NOT_FOUND);
    CHECK_OK(suite.does->describes->put(suite.store, ID, "005A", "Lead", when, lead, &suite.err),
             &suite.err);
    CHECK_OK(suite.does->describes->get(S, ID, "005A", "lead", &out, &suite.err), &suite.err);
    CHECK_STR(out.body, lead);
    CHECK_STR(out.modified, when);
    CHECK_INT(out.kept_ms, suite.world->now_ms(suite.world));
    CHECK_FAIL(suite.does->describes->get(S, ID, "005B", "Lead", &out, &suite.err), &suite.err,
               ERR_NOT_FOUND); /* another user may see something else */
    suite_reopen();
    CHECK_OK(suite.does->describes->put(suite.store, ID, "005A", "Lead", NULL, "{}", &suite.err),
             &suite.err);
    CHECK_OK(suite.does->describes->get(S, ID, "005A", "Lead", &out, &suite.err), &suite.err);
    CHECK(!out.modified);
    CHECK_OK(suite.does->describes->forget(suite.store, ID, &suite.err), &suite.err);
    CHECK_FAIL(suite.does->describes->get(S, ID, "005A", "Lead", &out, &suite.err), &suite.err,
               ERR_NOT_FOUND);
}
