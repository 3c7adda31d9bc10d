/* sim.h - the real engine, store and connector against localorg's core, in one
 * thread, driven by one seed.
 *
 *   clock.c   two clocks over one time line: the org's, and argil's with its skew
 *   net.c     a network between them that drops, delays, doubles, cuts and lies
 *   ram.c     a disk in memory under SQLite
 *   disk.c    over it, one that forgets what was not synced
 *   org.c     the org: a localorg without a server, and people who work in it
 *   story.c   what happens, step by step, drawn from the seed
 *   oracle.c  what must hold after every step and at the end (reliability C.1)
 *
 * Dying: every write and sync of the workspace and every stage of an exchange is
 * an event. At event `die_at` the process is dead: from then on nothing reaches
 * disk or org, the engine unwinds over errors, and the next life opens what the
 * disk kept. The same seed gives the same run, event by event. */
#ifndef ARGIL_TESTS_SIM_H
#define ARGIL_TESTS_SIM_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/vec.h"
#include "base/world.h"
#include "engine/engine.h"
#include "http/client.h"

#include <setjmp.h>

/* How the objects let a create be told apart: reliability B.3. */
enum sim_mode { SIM_SEALED, SIM_KEYED, SIM_FINDABLE, SIM_MODES };

struct late { /* a request that reaches the org after its sender gave up */
    int64_t due_ms;
    char *method, *path, *query, *body, *headers; /* headers: "Name: value\n" lines */
    size_t body_len;
};

struct sent { /* how often a marker left for the org, and how often it may have */
    char marker[48];
    int64_t times;
};

struct sim {
    uint64_t seed;
    struct rng dice, org_dice; /* org_dice: what the org itself draws */
    enum sim_mode mode;
    bool talk; /* print every step */
    bool rotates, duplicate_rules; /* how this org is set up */
    bool bulk; /* the columns write by Bulk jobs; with SIM_FINDABLE new records are Ticketed then */
    char failure[1024]; /* "" = all oracles held so far */
    int64_t steps;
    uint64_t trace; /* a hash over everything that happened: equal for equal seeds */

    /* clock.c */
    struct world org_world, world; /* world: argil's */
    int64_t now_ms, mono_ms, skew_ms;

    /* dying, and a disk that fails while the process lives on */
    bool dead, power_loss;
    int64_t events, die_at;
    enum sim_trouble { DISK_WELL, DISK_FULL_FROM, DISK_ERROR_ONCE } trouble;
    int64_t trouble_at; /* event; 0 = none */
    bool troubled;      /* it has come to that in this life: nothing may be sent any more */

    /* net.c */
    struct http_net net;
    int storm; /* of 1,000 exchanges so many go wrong */
    VEC(struct late) late;
    VEC(struct sent) sent;
    int rivals; /* leads that people entered for a row */
    int64_t late_beyond_settle; /* late commits after the settle time: the one thing FINDABLE does not promise */
    int64_t faults, exchanges;

    /* org.c */
    struct site *site;
    const char *url;
    char *token; /* of the administrator */
    int accounts; /* made so far; numbers never return */

    /* argil */
    char home[200];
    struct store *store;
    struct engine engine;
    atomic_bool stop;
    struct arena *arena; /* of one seed */
    int64_t lives, deaths, reconnects;
    bool signed_out;
    int64_t seen_ops; /* highest operation id seen */
};

/* The first broken oracle; later ones are kept out of its way. */
void sim_fail(struct sim *sim, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sim_say(struct sim *sim, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static inline int64_t sim_below(struct sim *sim, int64_t bound)
{
    return (int64_t)rng_below(&sim->dice, (uint64_t)bound);
}
static inline bool sim_chance(struct sim *sim, int per_mille)
{
    return sim_below(sim, 1000) < per_mille;
}
/* One more event; true when the process is dead. */
bool sim_event(struct sim *sim, const char *what, int64_t detail);
/* The same for a write or sync of the disk: an SQLite error code, or 0. */
int sim_disk_event(struct sim *sim, const char *what, int64_t detail, int error);

/* clock.c */
void clock_begin(struct sim *sim);
void clock_pass(struct sim *sim, int64_t ms); /* delivers what was late meanwhile */

/* net.c */
void net_begin(struct sim *sim);
void net_end(struct sim *sim);
void net_time(struct sim *sim);
struct sent *net_sent(struct sim *sim, const char *marker); /* NULL = never */

/* ram.c: SQLite's files, by name; NULL or false where there is none */
struct sqlite3_vfs *ram_vfs(void); /* made once a process; unregistered */
bool ram_exists(const char *name);
bool ram_delete(const char *name);
bool ram_copy(const char *from, const char *to);
void ram_put(const char *name, const void *from, int64_t len, int64_t at);
void ram_truncate(const char *name, int64_t size);

/* disk.c */
void disk_begin(void); /* once a process, before SQLite is used */
void disk_follow(struct sim *sim, const char *folder);
/* What was not synced: lost in part when the power went, all there after a kill. */
void disk_restart(struct sim *sim);
void disk_end(void);

/* org.c */
/* Once a process: an org of each mode stands ready. A seed that is told uses it up, so
 * every other runs in a child. */
bool org_prepare(struct sim *sim);
void org_put_away(void);
bool org_begin(struct sim *sim);
void org_end(struct sim *sim);
/* One exchange with the org past the network: status, and the answer's JSON on sim->arena. */
struct org_answer {
    int status;
    const struct json *json;
};
struct org_answer org_ask(struct sim *sim, const char *method, const char *path, const char *body);
/* All records of a query, deleted ones too with `all`. NULL only when it failed. */
const struct json *org_query(struct sim *sim, bool all, const char *soql);
/* A request as it arrives: for net.c. The answer's texts live on the arena. */
void org_deliver(struct sim *sim, struct arena *arena, const char *method, const char *path,
                 const char *query, const struct http_header *headers, const char *body,
                 size_t body_len, int *status, struct http_header **out_headers, struct buf *out);
/* Somebody works in Salesforce: one edit drawn from the dice. */
void org_human(struct sim *sim);
void org_new_account(struct sim *sim);
/* A refresh token of the administrator for the demo app, on sim->arena. */
const char *org_refresh_token(struct sim *sim);
/* Rows that cannot be locked, with this probability of 1,000; 0 = none. */
void org_locks(struct sim *sim, int per_mille);

/* org_seed.c: of the lag of its stamps, in an org that is open */
struct org;
void org_seed(struct org *org, uint64_t seed);

/* story.c */
/* Once a process: what every seed begins with. False: sim->failure says why. */
bool story_prepare(struct sim *sim);
void story_put_away(void);
/* Uses up what was prepared: one seed a process. */
void story_run(struct sim *sim, uint64_t seed, bool talk);

/* oracle.c */
void oracle_step(struct sim *sim);  /* safety: after every life, in an open store */
void oracle_synced(struct sim *sim, const struct sync_report *report);
bool oracle_settled(struct sim *sim); /* no operation is open, nothing is on its way */
void oracle_end(struct sim *sim);   /* liveness and agreement, when all is quiet */

#endif
