/* suite_http.c - answers of APIs are kept for their time, and turns at a host are shared. */
#include "store/store_http.h"
#include "store/store_suite.h"

#include <pthread.h>

static const char *answer(const char *key, int64_t age_ms)
{
    struct kept_answer answer = {.key = key};
    CHECK_OK(suite.does->http->answers(suite.store, suite.arena, age_ms, &answer, 1, &suite.err),
             &suite.err);
    return answer.json;
}

static void keep_within(const char *key, const char *json, int64_t keep_ms, int64_t most,
                        int64_t bytes)
{
    struct kept_answer answer = {key, json};
    struct kept_bound bound = {most, bytes};
    CHECK_OK(suite.does->http->keep(suite.store, keep_ms, &bound, &answer, 1, &suite.err),
             &suite.err);
}

static void keep(const char *key, const char *json, int64_t keep_ms)
{
    keep_within(key, json, keep_ms, 1000, 1 << 20);
}

TEST(answers, outlive_the_process_until_their_time_is_over)
{
    CHECK(!answer("k", 1000));
    keep("k", "{\"a\":1}", 10000);
    keep("none", "", 10000);
    suite_reopen();
    CHECK_STR(answer("k", 10000), "{\"a\":1}");
    CHECK_STR(answer("none", 10000), "");
    suite.world->sleep_ms(suite.world, 6000);
    CHECK(!answer("k", 5000)); /* too old for who wants them younger */
    CHECK_STR(answer("k", 60000), "{\"a\":1}");
    suite.world->sleep_ms(suite.world, 4000);
    CHECK(!answer("k", 60000));
}

TEST(answers, a_new_one_takes_the_place_of_the_old)
{
    keep("k", "1", 10000);
    suite.world->sleep_ms(suite.world, 9000);
    keep("k", "2", 10000);
    suite.world->sleep_ms(suite.world, 9000);
    CHECK_STR(answer("k", 10000), "2");
}

static int kept_of(int count)
{
    char key[20];
    int found = 0;
    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof key, "k%d", i);
        found += answer(key, 100000) != NULL;
    }
    return found;
}

static void keep_twenty(const char *json)
{
    char key[20];
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "k%d", i);
        keep(key, json, 100000);
        suite.world->sleep_ms(suite.world, 1);
    }
    CHECK_INT(kept_of(20), 20);
}

TEST(answers, the_oldest_go_when_there_are_too_many)
{
    keep_twenty("1");
    keep_within("one more", "1", 100000, 20, 1 << 20); /* 21: a tenth and one go */
    CHECK_INT(kept_of(20), 17);
    CHECK(!answer("k2", 100000) && answer("k3", 100000) && answer("one more", 100000));
}

TEST(answers, the_oldest_go_when_they_are_too_large_together)
{
    keep_twenty("12345");
    keep_within("k19", "54321", 100000, 1000, 100); /* in the place of another: there is still room */
    CHECK_INT(kept_of(20), 20);
    keep_within("large", "12345678901234567890123456789012345678901234567890", 100000, 1000, 100);
    CHECK(answer("large", 100000) && !answer("k9", 100000) && answer("k19", 100000));
}

static int64_t turns(const char *host, int64_t count, int64_t each_us)
{
    int64_t wait = -1;
    CHECK_OK(suite.does->http->turns(suite.store, host, count, each_us, &wait, &suite.err),
             &suite.err);
    return wait;
}

TEST(turns, follow_each_other_at_the_rate)
{
    CHECK_INT(turns("a.test", 2, 500000), 0);
    CHECK_INT(turns("a.test", 2, 500000), 1000);
    CHECK_INT(turns("b.test", 1, 500000), 0); /* a host of its own */
    suite_reopen();
    CHECK_INT(turns("a.test", 1, 500000), 2000);
    suite.world->sleep_ms(suite.world, 60000);
    CHECK_INT(turns("a.test", 1, 500), 0); /* what was not used is not saved up */
    CHECK_INT(turns("a.test", 1, 500), 1); /* half a millisecond, rounded up */
}

/* ---- several handles at once: the host hears as many in a time as the rate says */

enum { WHO = 3, EACH = 15 };

struct asker {
    struct store *store;
    int64_t waits[EACH];
};

static void *ask_all(void *ctx)
{
    struct asker *a = ctx;
    struct err err = {0};
    for (int i = 0; i < EACH; i++)
        if (a->store->does->http->turns(a->store, "race.test", 1, 60 * 1000000, &a->waits[i], &err) != OK)
            return a;
    return NULL;
}

TEST(turns, are_taken_once_by_those_who_ask_at_once)
{
    static struct asker askers[WHO];
    pthread_t threads[WHO];
    bool taken[WHO * EACH] = {false};
    for (int i = 0; i < WHO; i++)
        CHECK_OK(suite.does->open_another(suite.store, false, &askers[i].store, &suite.err), &suite.err);
    for (int i = 0; i < WHO; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, ask_all, &askers[i]), 0);
    for (int i = 0; i < WHO; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        CHECK(failed == NULL);
        suite.does->close(askers[i].store);
    }
    for (int i = 0; i < WHO; i++)
        for (int k = 0; k < EACH; k++) { /* a minute each: the time that asking takes does not blur them */
            int64_t turn = (askers[i].waits[k] + 30000) / 60000;
            CHECK(turn < WHO * EACH && !taken[turn]);
            taken[turn] = true;
        }
}
