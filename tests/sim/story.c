/* story.c - see sim.h. A seed's story: a workspace connects and applies a recipe in
 * quiet weather; then people, syncs, runs, storms, deaths and waiting in a drawn
 * order; then quiet weather until nothing moves any more, and the last oracles. */
#include "sim/sim.h"

#include "base/log.h"
#include "base/str.h"
#include "connect/connect.h"
#include "localorg/rest/policies.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MINUTE (60 * 1000)
#define QUIET_ROUNDS 40

/* ------------------------------------------------------------ telling */

static void note(struct sim *sim, const char *what, int64_t detail)
{
    uint64_t hash = sim->trace ? sim->trace : 1469598103934665603u;
    for (; *what; what++)
        hash = (hash ^ (unsigned char)*what) * 1099511628211u;
    sim->trace = (hash ^ (uint64_t)detail) * 1099511628211u;
}

void sim_say(struct sim *sim, const char *fmt, ...)
{
    char line[600];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    note(sim, line, sim->now_ms);
    if (sim->talk)
        printf("%11lld.%03lld e%-5lld %s%s\n", (long long)(sim->now_ms / 1000 % 10000000),
               (long long)(sim->now_ms % 1000), (long long)sim->events, line,
               sim->dead ? "  (dead)" : "");
}

void sim_fail(struct sim *sim, const char *fmt, ...)
{
    char line[sizeof sim->failure];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    sim_say(sim, "BROKEN: %s", line);
    if (!sim->failure[0])
        memcpy(sim->failure, line, sizeof line);
}

bool sim_event(struct sim *sim, const char *what, int64_t detail)
{
    if (sim->dead)
        return true;
    note(sim, what, detail);
    if (++sim->events != sim->die_at)
        return false;
    sim->dead = true;
    sim->deaths++;
    sim->power_loss = sim_chance(sim, 400);
    atomic_store(&sim->stop, true);
    sim_say(sim, "dies at event %lld (%s), %s", (long long)sim->events, what,
            sim->power_loss ? "the power is gone" : "killed");
    return true;
}

int sim_disk_event(struct sim *sim, const char *what, int64_t detail, int error)
{
    if (sim_event(sim, what, detail))
        return error;
    if (!sim->trouble_at || sim->events < sim->trouble_at)
        return SQLITE_OK;
    if (sim->trouble == DISK_ERROR_ONCE)
        sim->trouble_at = 0;
    if (!sim->troubled)
        sim_say(sim, "the disk fails (%s)", sim->trouble == DISK_FULL_FROM ? "full" : "once");
    sim->troubled = true;
    return sim->trouble == DISK_FULL_FROM ? SQLITE_FULL : error;
}

/* -------------------------------------------------------------- lives */

static void close_store(struct sim *sim)
{
    engine_release(&sim->engine);
    vault_close(sim->engine.vault);
    if (sim->store)
        sim->store->does->close(sim->store);
    sim->store = NULL;
    sim->engine.vault = NULL;
    sim->engine.store = NULL;
}

/* A workspace that nobody has used yet, out of sight of what the disk forgets: making
 * its tables takes longer than most lives, and is the same each time. */
static char unused_folder[100], unused_file[120], home[100];

static bool make_unused(struct sim *sim)
{
    struct sim maker = {0};
    struct err err = {0};
    struct store *store = NULL;
    struct store_open options = {
        .data = unused_folder, .name = "Sim", .create = true, .world = &maker.world};
    clock_begin(&maker);
    if (sqlite_store_open(&options, &store, &err) != OK) {
        sim_fail(sim, "no workspace can be made: %s", err.message);
        return false;
    }
    store->does->close(store);
    return true;
}

static bool write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    return file && fputs(text, file) >= 0 && fclose(file) == 0;
}

/* Argil looks for the file by its name, and SQLite for the bytes of that name in ram.c. */
static bool begin_home(struct sim *sim)
{
    const char *to = arena_printf(sim->arena, "%s/workspace.db", sim->home);
    return mkdir(sim->home, 0700) == 0 && write_text(to, "see ram.c\n") &&
           ram_copy(unused_file, to);
}

/* Opens what the disk kept. False: it died while opening. */
static bool open_store(struct sim *sim)
{
    struct err err = {0};
    struct store_open options = {
        .data = sim->home, .name = "Sim", .create = true, .world = &sim->world};
    atomic_store(&sim->stop, false);
    sim->lives++;
    if (sqlite_store_open(&options, &sim->store, &err) != OK) {
        sim->store = NULL;
        if (!sim->dead)
            sim_fail(sim, "the workspace does not open: %s", err.message);
        return false;
    }
    sim->engine.store = sim->store;
    sim->engine.vault = vault_open(sim->store->workspace_id, true, &err);
    return sim->engine.vault != NULL;
}

/* After each life: the dead leave the disk as it was, the next one opens it. */
static void next_life(struct sim *sim)
{
    close_store(sim);
    if (sim->dead) {
        disk_restart(sim);
        sim->die_at = 0;
        sim->dead = false;
        if (sim_chance(sim, 300)) /* it may die again while it opens */
            sim->die_at = sim->events + 1 + sim_below(sim, 30);
    }
    for (int i = 0; i < 5 && !open_store(sim); i++) {
        close_store(sim);
        disk_restart(sim);
        sim->dead = false;
        sim->die_at = 0;
    }
    sim->die_at = 0;
    if (!sim->store)
        sim_fail(sim, "five lives could not open the workspace");
}

/* ------------------------------------------------------------ recipe */

static const char recipe_head[] =
    "table: accounts\n"
    "source:\n"
    "  salesforce:\n"
    "    connection: sim\n"
    "    object: Account\n"
    "    fields: [Id, Name, Website, Site, Description, Phone]\n"
    "  every: manual\n"
    "columns:\n"
    "  - name: New lead\n"
    "    type: json\n"
    "    salesforce_create:\n"
    "      connection: sim\n"
    "      object: Lead\n"
    "      set: { LastName: \"lead {{Name}}\", Company: \"{{Name}}\", Email: \"{{Name}}@x.example\"%s }\n"
    "%s%s"
    "  - name: Reference\n"
    "    type: json\n"
    "    salesforce_upsert:\n"
    "      connection: sim\n"
    "      object: Contact\n"
    "      external_id: Sim_Ref__c\n"
    "      set: { Sim_Ref__c: \"{{Name}}\", LastName: \"ref {{Name}} {{Site}}\" }\n"
    "%s"
    "  - name: Write back\n"
    "    salesforce_update:\n"
    "      connection: sim\n"
    "      object: Account\n"
    "      id: \"{{Id}}\"\n"
    "      set: { Description: \"seen {{Name}} {{Site}}\" }\n"
    "%s";

static const char *recipe(struct sim *sim)
{
    const char *unless = "";
    const char *key = "", *way = sim->bulk ? "      transport: bulk\n" : "";
    if (sim->mode == SIM_KEYED) {
        key = ", Sim_Key__c: \"{{Name}}\"";
        unless = "      unless_found: { Sim_Key__c: \"{{Name}}\" }\n";
    } else if (sim_chance(sim, 500))
        unless = "      unless_found: { Email: \"{{Name}}@x.example\" }\n";
    return arena_printf(sim->arena, recipe_head, key, unless, way, way, way);
}

static bool connect_org(struct sim *sim)
{
    struct err err = {0};
    struct connection connection = {.name = "sim"};
    struct crm_tokens tokens = {0};
    struct crm_signin signin = {.login_url = sim->url,
                                .insecure_host = "127.0.0.1",
                                .client_id = DEMO_CLIENT_ID,
                                .grant = CRM_GRANT_CLIENT_CREDENTIALS};
    secret_set(&signin.client_secret, DEMO_CLIENT_SECRET, strlen(DEMO_CLIENT_SECRET));
    if (sim_chance(sim, 500)) {
        const char *refresh = org_refresh_token(sim);
        signin.grant = CRM_GRANT_REFRESH;
        secret_set(&signin.refresh, refresh, strlen(refresh));
    }
    bool good = salesforce_connector.signin_machine(&sim->world, sim->arena, &signin, &connection,
                                                    &tokens, &err) == OK;
    connection.name = "sim";
    if (sim_chance(sim, 700)) /* with the lag of a real org; "local" has none */
        connection.environment = "production";
    good = good && engine_connect(&sim->engine, &connection, &tokens, &err) == OK;
    if (!good)
        sim_fail(sim, "connecting: %s %s", err.code, err.message);
    secret_wipe(&signin.client_secret);
    secret_wipe(&signin.refresh);
    crm_tokens_wipe(&tokens);
    return good;
}

static bool apply(struct sim *sim)
{
    struct apply_plan plan = {0};
    err_list errors = {0};
    struct err err = {0};
    const char *path = arena_printf(sim->arena, "%s-accounts.yaml", sim->home);
    bool good = write_text(path, recipe(sim)) &&
                recipe_apply(&sim->engine, path, false, &plan, &errors, &err) == OK;
    if (!good)
        sim_fail(sim, "the recipe: %s; %s", err.message, errors.len ? errors.at[0].message : "");
    apply_plan_free(&plan);
    vec_free(&errors);
    unlink(path);
    return good;
}

/* -------------------------------------------------------------- steps */

/* A person signs in again, when the grant is gone. */
static void reconnect(struct sim *sim)
{
    if (!sim->signed_out || !sim->store)
        return;
    sim_say(sim, "people: the connection is made again");
    int storm = sim->storm;
    sim->storm = 0;
    sim->signed_out = !connect_org(sim);
    sim->storm = storm;
    sim->reconnects++;
}

/* A process that may die on its way. */
static void maybe_mortal(struct sim *sim)
{
    static const int64_t reach[] = {12, 40, 120, 400};
    int64_t after = 1 + sim_below(sim, reach[sim_below(sim, 4)]);
    int64_t dice = sim_below(sim, 1000);
    if (dice < 550)
        sim->die_at = sim->events + after;
    else if (dice < 650) {
        sim->trouble_at = sim->events + after;
        sim->trouble = dice < 600 ? DISK_FULL_FROM : DISK_ERROR_ONCE;
    }
}

static void sync_once(struct sim *sim)
{
    struct sync_report report = {0};
    struct err err = {0};
    sim_say(sim, "sync");
    enum status rc =
        sync_table(&sim->engine, "accounts", sim_chance(sim, 100), &report, &err);
    sim_say(sim, "sync ends: %s %s", rc == OK ? report.complete ? "complete" : "incomplete" : err.code,
            rc == OK ? report.statement : err.message);
    sim->signed_out = err_is(&err, ERR_CRM_RECONNECT);
    if (rc == OK && !sim->dead)
        oracle_synced(sim, &report);
}

static void run_once(struct sim *sim)
{
    struct run_report report = {0};
    struct run_options options = {.yes = true};
    struct err err = {0};
    sim_say(sim, "run");
    enum status rc = run_table(&sim->engine, "accounts", &options, &report, &err);
    sim_say(sim,
            "run ends: %s created %lld adopted %lld updated %lld upserted %lld rejected %lld in "
            "doubt %lld retrying %lld%s %s",
            rc == OK ? "ok" : err.code, (long long)report.created, (long long)report.adopted,
            (long long)report.updated, (long long)report.upserted, (long long)report.rejected,
            (long long)report.in_doubt, (long long)report.retrying, report.paused ? " paused" : "",
            rc == OK ? "" : err.message);
}

static void life(struct sim *sim, void (*work)(struct sim *))
{
    maybe_mortal(sim);
    if (!sim->store)
        return;
    work(sim);
    sim->die_at = sim->trouble_at = 0;
    bool leave = sim->dead || sim->troubled || sim_chance(sim, 300);
    sim->troubled = false;
    if (leave)
        next_life(sim);
    if (sim->store)
        oracle_step(sim);
}

static bool is_in_doubt(struct sim *sim, int64_t id)
{
    struct op *ops = NULL;
    size_t count = 0;
    struct err err = {0};
    struct op_query query = {.states = 1u << OP_IN_DOUBT, .limit = 5000};
    if (sim->store->does->ops_list(sim->store, sim->arena, &query, &ops, &count, &err) != OK)
        return false;
    for (size_t i = 0; i < count; i++)
        if (ops[i].id == id)
            return true;
    return false;
}

/* Only an org whose calls of the day are used up may keep a person from settling; who is told so comes
 * back another time, and the operation is as it was. */
static void not_now(struct sim *sim, int64_t id, const struct err *why)
{
    if (!err_is(why, ERR_CRM_LIMIT))
        sim_fail(sim, "a person cannot settle operation %lld: %s", (long long)id, why->message);
    else if (!is_in_doubt(sim, id))
        sim_fail(sim, "operation %lld was not settled, and is not in doubt any more", (long long)id);
    else
        sim_say(sim, "people: told to come back: %s", why->message);
}

/* A person looks into an operation in doubt, when nothing of it is on its way any more. */
static void person(struct sim *sim)
{
    struct op *ops = NULL;
    size_t count = 0;
    struct err err = {0};
    struct op_query query = {.states = 1u << OP_IN_DOUBT, .limit = 50};
    if (sim->late.len || !sim->store ||
        sim->store->does->ops_list(sim->store, sim->arena, &query, &ops, &count, &err) != OK ||
        !count)
        return;
    const struct op *op = &ops[sim_below(sim, (int64_t)count)];
    enum journal_verdict verdict = VERDICT_SEND_AGAIN;
    const char *id = NULL;
    if (op->kind == OP_CREATE) {
        const struct json *payload =
            json_parse(sim->arena, op->payload, strlen(op->payload), NULL);
        const struct json *found =
            org_query(sim, false,
                      arena_printf(sim->arena, "SELECT Id FROM Lead WHERE LastName = '%s'",
                                   json_get_text(payload, "LastName")));
        id = json_get_text(json_at(found, 0), "Id");
        verdict = id ? VERDICT_THIS_IS_IT : VERDICT_SEND_AGAIN;
    }
    if (verdict == VERDICT_SEND_AGAIN && sim_chance(sim, 250))
        verdict = VERDICT_GIVE_UP;
    sim_say(sim, "people: operation %lld is settled by a person (%d)", (long long)op->id,
            (int)verdict);
    if (journal_resolve(&sim->engine, op->id, verdict, id, &err) != OK)
        not_now(sim, op->id, &err);
    oracle_step(sim);
}

static void wait_a_while(struct sim *sim)
{
    static const int64_t reach[] = {2 * MINUTE, 30 * MINUTE, 180 * MINUTE, 3 * 24 * 60 * MINUTE};
    int64_t ms = 1000 + sim_below(sim, reach[sim_below(sim, 4)]);
    sim_say(sim, "%lld minutes pass", (long long)(ms / MINUTE));
    clock_pass(sim, ms);
    if (sim_chance(sim, 100)) {
        sim->skew_ms += sim_below(sim, 4 * MINUTE) - 2 * MINUTE;
        sim_say(sim, "argil's clock jumps: %lld ms off", (long long)sim->skew_ms);
    }
}

static void weather(struct sim *sim)
{
    static const int kinds[] = {0, 60, 120, 250, 450};
    sim->storm = kinds[sim_below(sim, 5)];
    org_locks(sim, sim_chance(sim, 300) ? (int)sim_below(sim, 600) : 0);
    sim_say(sim, "weather: %d of 1,000 exchanges fail", sim->storm);
}

static void step(struct sim *sim)
{
    int64_t dice = sim_below(sim, 100);
    sim->steps++;
    if (dice < 20)
        org_human(sim);
    else if (dice < 40)
        life(sim, sync_once);
    else if (dice < 75)
        life(sim, run_once);
    else if (dice < 85)
        wait_a_while(sim);
    else if (dice < 92)
        weather(sim);
    else {
        reconnect(sim);
        person(sim);
    }
}

/* --------------------------------------------------------------- story */

static void begin(struct sim *sim, uint64_t seed, bool talk)
{
    static const struct connector *const connectors[] = {&salesforce_connector};
    memset(sim, 0, sizeof *sim);
    sim->seed = seed;
    sim->talk = talk;
    struct rng spread = {.state = ~seed};
    rng_next(&spread);
    sim->dice.state = rng_next(&spread) ^ seed; /* neighbours have nothing in common */
    sim->org_dice.state = rng_next(&spread);
    sim->mode = (enum sim_mode)sim_below(sim, SIM_MODES);
    sim->bulk = sim_chance(sim, 400);
    sim->arena = arena_new();
    snprintf(sim->home, sizeof sim->home, "%s", home);
    clock_begin(sim);
    net_begin(sim);
    sim->engine = (struct engine){.world = &sim->world,
                                  .connectors = connectors,
                                  .connector_count = 1,
                                  .stop = &sim->stop};
}

static void remove_folder(const char *folder)
{
    static const char *const names[] = {"workspace.db", "workspace.db-wal", "lock"};
    char path[120];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        ram_delete(path);
        unlink(path);
    }
    rmdir(folder);
}

/* Faults stop: everything must come to its end by itself, or wait for a person.
 * Enough quiet rounds for ten attempts with the longest back-off between them. */
static void calm_down(struct sim *sim)
{
    sim->storm = 0;
    org_locks(sim, 0);
    for (int i = 0; i < QUIET_ROUNDS && !sim->failure[0]; i++) {
        clock_pass(sim, 31 * MINUTE);
        sync_once(sim);
        reconnect(sim);
        run_once(sim);
        oracle_step(sim);
        person(sim);
        if (i > 2 && !sim->signed_out && oracle_settled(sim))
            break;
    }
    clock_pass(sim, 31 * MINUTE);
    if (!sim->failure[0])
        sync_once(sim);
    if (!sim->failure[0])
        oracle_end(sim);
}

bool story_prepare(struct sim *sim)
{
    snprintf(home, sizeof home, "/dev/shm/argil-sim-%ld", (long)getpid());
    snprintf(unused_folder, sizeof unused_folder, "/dev/shm/argil-sim-new-%ld", (long)getpid());
    snprintf(unused_file, sizeof unused_file, "%s/workspace.db", unused_folder);
    sim->arena = arena_new();
    clock_begin(sim);
    bool good = make_unused(sim) && org_prepare(sim);
    arena_free(sim->arena);
    sim->arena = NULL;
    return good;
}

void story_put_away(void)
{
    org_put_away();
    remove_folder(unused_folder);
    remove_folder(home); /* of a child that did not come to its end */
}

void story_run(struct sim *sim, uint64_t seed, bool talk)
{
    begin(sim, seed, talk);
    remove_folder(home);
    disk_follow(sim, sim->home);
    sim_say(sim, "seed %llu, mode %d%s", (unsigned long long)seed, (int)sim->mode,
            sim->bulk ? ", in bulk" : "");
    if (org_begin(sim) && begin_home(sim) && open_store(sim) && connect_org(sim) && apply(sim)) {
        int64_t steps = 8 + sim_below(sim, 25);
        weather(sim);
        while (sim->steps < steps && !sim->failure[0] && sim->store)
            step(sim);
        if (!sim->failure[0] && sim->store)
            calm_down(sim);
    }
    close_store(sim);
    org_end(sim);
    net_end(sim);
    disk_end();
    remove_folder(home);
    arena_free(sim->arena);
    sim->arena = NULL;
}
