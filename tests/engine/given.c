/* given.c - see given.h. */
#include "engine/given.h"

#include "store/store_backup.h"
#include "store/store_dedupe.h"
#include "store/store_sources.h"

#include "base/str.h"
#include "base/when.h"
#include "store/store_describes.h"
#include "store/store_runs.h"
#include "store/store_access.h"
#include "store/store_choices.h"
#include "store/store_gates.h"
#include "store/store_laters.h"
#include "store/store_counters.h"
#include "store/store_contracts.h"
#include "store/store_matches.h"
#include "store/store_holds.h"
#include "store/store_modes.h"
#include "store/store_parts.h"
#include "store/store_shares.h"
#include "store/store_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct given g;
static char home[256];

/* ------------------------------------------------------------ mortal store */

#define BROKEN err_set(err, ERR_STORE_BROKEN, "the process is dead")
#define MORTAL(name, params, ...)                                                                  \
    static enum status mortal_##name params                                                        \
    {                                                                                              \
        return g.dead ? BROKEN : g.store->does->name(g.store, __VA_ARGS__);                        \
    }
typedef struct store S;
typedef struct arena A;
typedef struct err E;
MORTAL(connection_put, (S * s, struct connection *c, E *err), c, err)
MORTAL(connection_get, (S * s, A *a, const char *n, struct connection *o, E *err), a, n, o, err)
MORTAL(connection_list, (S * s, A *a, struct connection **o, size_t *n, E *err), a, o, n, err)
MORTAL(connection_delete, (S * s, const char *n, E *err), n, err)
MORTAL(sealed_put, (S * s, const char *l, const char *t, E *err), l, t, err)
MORTAL(sealed_get, (S * s, A *a, const char *l, const char **o, E *err), a, l, o, err)
MORTAL(table_get, (S * s, A *a, const char *n, struct table *o, E *err), a, n, o, err)
MORTAL(table_list, (S * s, A *a, struct table **o, size_t *n, E *err), a, o, n, err)
MORTAL(table_apply, (S * s, struct table *t, E *err), t, err)
MORTAL(audit_add, (S * s, const char *w, const char *d, const char *j, E *err), w, d, j, err)
MORTAL(column_approve, (S * s, int64_t c, int64_t at, E *err), c, at, err)
MORTAL(import_page, (S * s, const struct import_page *p, struct import_counts *c, E *err), p, c,
       err)
MORTAL(import_finish, (S * s, int64_t t, E *err), t, err)
MORTAL(cursor_get, (S * s, A *a, int64_t t, int f, const char **o, E *err), a, t, f, o, err)
MORTAL(keys_list,
       (S * s, A *a, int64_t t, int z, const char *f, size_t l, const char ***k, size_t *n, E *err),
       a, t, z, f, l, k, n, err)
MORTAL(rows_delete,
       (S * s, int64_t t, int z, const char *const *k, size_t n, enum when_deleted how, E *err), t,
       z, k, n, how, err)
MORTAL(rows, (S * s, A *a, const struct row_query *q, struct row **o, size_t *n, E *err), a, q, o,
       n, err)
MORTAL(cells,
       (S * s, A *a, int64_t t, int64_t c, const int64_t *r, size_t n, struct cell *o, E *err), a,
       t, c, r, n, o, err)
MORTAL(cells_put,
       (S * s, int64_t t, const struct cell_result *r, size_t n, const struct dependents *d,
        size_t dn, E *err),
       t, r, n, d, dn, err)
MORTAL(cells_make_due,
       (S * s, int64_t t, int64_t c, uint32_t st, const int64_t *r, size_t n, int64_t *m, E *err),
       t, c, st, r, n, m, err)
MORTAL(ops_plan,
       (S * s, struct op *o, size_t n, enum plan_result *r, const struct cell_result *c,
        const int64_t *l, E *err),
       o, n, r, c, l, err)
MORTAL(ops_put_off, (S * s, const int64_t *i, size_t n, int64_t at, E *err), i, n, at, err)
MORTAL(ops_sending, (S * s, struct op *o, size_t n, int64_t d, E *err), o, n, d, err)
MORTAL(ops_settle,
       (S * s, const struct op_settle *o, size_t n, const struct dependents *d, size_t dn,
        size_t *f, E *err),
       o, n, d, dn, f, err)
MORTAL(ops_list, (S * s, A *a, const struct op_query *q, struct op **o, size_t *n, E *err), a, q, o,
       n, err)
MORTAL(ops_last,
       (S * s, A *a, int64_t t, int64_t c, const int64_t *r, size_t n, struct op *o, E *err), a, t,
       c, r, n, o, err)
MORTAL(ops_count, (S * s, int64_t t, struct op_counts *o, E *err), t, o, err)
MORTAL(ops_recover, (S * s, int64_t *m, E *err), m, err)
MORTAL(written_get,
       (S * s, A *a, const char *o, const char *r, const char *f, struct value *v, bool *b, E *err),
       a, o, r, f, v, b, err)
MORTAL(run_begin, (S * s, struct run *r, E *err), r, err)
MORTAL(run_end, (S * s, int64_t r, enum run_state st, const char *rep, const char *e, E *err), r,
       st, rep, e, err)

static enum status mortal_gone(S *s, const struct gone_query *q, int64_t *next, int64_t *gone,
                               E *err)
{
    (void)s;
    return g.dead ? BROKEN : g.store->does->sources->gone(g.store, q, next, gone, err);
}

static enum status mortal_rejects_add(S *s, int64_t t, int z, bool fresh, const struct reject *r,
                                      size_t n, int64_t *kept, E *err)
{
    (void)s;
    return g.dead ? BROKEN
                  : g.store->does->sources->rejects_add(g.store, t, z, fresh, r, n, kept, err);
}

static enum status mortal_drift_put(S *s, int64_t t, int z, const char *j, E *err)
{
    (void)s;
    return g.dead ? BROKEN : g.store->does->sources->drift_put(g.store, t, z, j, err);
}

static enum status mortal_live_put(S *s, int64_t t, int z, const char *j, int64_t h, E *err)
{
    (void)s;
    return g.dead ? BROKEN : g.store->does->sources->live_put(g.store, t, z, j, h, err);
}

static enum status mortal_rejects_list(S *s, A *a, int64_t t, int z, struct reject **o, size_t *n,
                                       E *err)
{
    (void)s;
    return g.dead ? BROKEN : g.store->does->sources->rejects_list(g.store, a, t, z, o, n, err);
}

static enum status mortal_met(S *s, int64_t t, int z, const char *const *k, size_t n,
                              struct bits *seen, size_t *u, size_t *un, E *err)
{
    return g.dead ? BROKEN : g.store->does->sources->met(g.store, t, z, k, n, seen, u, un, err);
}

static const struct store_sources mortal_sources = {
    .met = mortal_met,
    .gone = mortal_gone, .drift_put = mortal_drift_put, .live_put = mortal_live_put, .rejects_add = mortal_rejects_add, .rejects_list = mortal_rejects_list};

static enum status mortal_merged_count(S *s, int64_t t, int64_t *n, E *err)
{
    (void)s;
    return g.dead ? BROKEN : g.store->does->dedupe->count(g.store, t, n, err);
}
static const struct store_dedupe mortal_dedupe = {.count = mortal_merged_count};

static enum status mortal_runs_start(S *s, int64_t id, E *err)
{
    return g.dead ? BROKEN : g.store->does->runs->start(g.store, id, err);
}
static enum status mortal_runs_get(S *s, A *a, int64_t id, struct run *out, E *err)
{
    return g.dead ? BROKEN : g.store->does->runs->get(g.store, a, id, out, err);
}
static const struct store_runs mortal_runs = {.get = mortal_runs_get, .start = mortal_runs_start};
static enum status mortal_choices_get(S *s, A *a, int64_t c, const int64_t *r, size_t n,
                                      const char **o, E *err)
{
    return g.dead ? BROKEN : g.store->does->choices->get(g.store, a, c, r, n, o, err);
}
static const struct store_choices mortal_choices = {.get = mortal_choices_get};

static enum status mortal_counters_next(S *s, int64_t c, int64_t n, int64_t *first, E *err)
{
    return g.dead ? BROKEN : g.store->does->counters->next(g.store, c, n, first, err);
}
static const struct store_counters mortal_counters = {.next = mortal_counters_next};

static enum status mortal_parts_cut(S *s, int64_t run, int64_t table, int64_t least, int64_t most, int64_t *n,
                                   E *err)
{
    return g.dead ? BROKEN : g.store->does->parts->cut(g.store, run, table, least, most, n, err);
}
static enum status mortal_parts_claim(S *s, int64_t run, struct store_part *out, E *err)
{
    return g.dead ? BROKEN : g.store->does->parts->claim(g.store, run, out, err);
}
static enum status mortal_parts_done(S *s, const struct store_part *p, const struct part_end *end, E *err)
{
    return g.dead ? BROKEN : g.store->does->parts->done(g.store, p, end, err);
}
static enum status mortal_parts_give_back(S *s, const struct store_part *p, E *err)
{
    return g.dead ? BROKEN : g.store->does->parts->give_back(g.store, p, err);
}
static enum status mortal_parts_count(S *s, int64_t run, struct parts_count *out, E *err)
{
    return g.dead ? BROKEN : g.store->does->parts->count(g.store, run, out, err);
}
static enum status mortal_parts_ends(S *s, A *a, int64_t run, struct part_end **out, size_t *n, E *err)
{
    return g.dead ? BROKEN : g.store->does->parts->ends(g.store, a, run, out, n, err);
}
static enum status mortal_parts_tally(S *s, const struct store_part *p, int64_t o, int64_t f, int64_t *ao,
                                      int64_t *af, E *err)
{
    return g.dead ? BROKEN : g.store->does->parts->tally(g.store, p, o, f, ao, af, err);
}
static const struct store_parts mortal_parts = {.cut = mortal_parts_cut,
                                                .claim = mortal_parts_claim,
                                                .done = mortal_parts_done,
                                                .give_back = mortal_parts_give_back,
                                                .count = mortal_parts_count,
                                                .ends = mortal_parts_ends,
                                                .tally = mortal_parts_tally};
static enum status mortal_places(S *s, int64_t c, const char *h, int64_t wanted, int64_t busy, int64_t most,
                                 int64_t *out, E *err)
{
    return g.dead ? BROKEN : g.store->does->shares->places(g.store, c, h, wanted, busy, most, out, err);
}
static enum status mortal_places_back(S *s, int64_t c, const char *h, E *err)
{
    return g.dead ? BROKEN : g.store->does->shares->places_back(g.store, c, h, err);
}
static enum status mortal_calls(S *s, int64_t c, int64_t day, int64_t wanted, int64_t budget, int64_t *out,
                                E *err)
{
    return g.dead ? BROKEN : g.store->does->shares->calls(g.store, c, day, wanted, budget, out, err);
}
static enum status mortal_calls_back(S *s, int64_t c, int64_t day, int64_t n, E *err)
{
    return g.dead ? BROKEN : g.store->does->shares->calls_back(g.store, c, day, n, err);
}
static enum status mortal_sending_stopped(S *s, A *a, bool *stopped, const char **why, E *err)
{
    return g.dead ? BROKEN : g.store->does->shares->sending_stopped(g.store, a, stopped, why, err);
}
static const struct store_shares mortal_shares = {.places = mortal_places,
                                                  .places_back = mortal_places_back,
                                                  .calls = mortal_calls,
                                                  .calls_back = mortal_calls_back,
                                                  .sending_stopped = mortal_sending_stopped};

static enum status mortal_answers(S *s, A *a, int64_t age, struct kept_answer *k, size_t n, E *err)
{
    (void)s;
    return g.dead ? BROKEN : g.store->does->http->answers(g.store, a, age, k, n, err);
}
static enum status mortal_keep(S *s, int64_t ms, const struct kept_bound *b, const struct kept_answer *k, size_t n, E *err)
{
    (void)s;
    return g.dead ? BROKEN : g.store->does->http->keep(g.store, ms, b, k, n, err);
}
static enum status mortal_turns(S *s, const char *h, int64_t n, int64_t us, int64_t *wait, E *err)
{
    (void)s;
    return g.dead ? BROKEN : g.store->does->http->turns(g.store, h, n, us, wait, err);
}
static const struct store_http mortal_http = {
    .answers = mortal_answers, .keep = mortal_keep, .turns = mortal_turns};

static enum status mortal_describes_forget(S *s, int64_t id, E *err)
{
    return g.dead ? BROKEN : g.store->does->describes->forget(g.store, id, err);
}
static const struct store_describes mortal_describes = {.forget = mortal_describes_forget};

static enum status mortal_builders_get(S *s, A *a, int64_t id, const char ***names, size_t *n,
                                       E *err)
{
    return g.dead ? BROKEN : g.store->does->access->builders_get(g.store, a, id, names, n, err);
}

static enum status mortal_default_get(S *s, int64_t *id, E *err)
{
    return g.dead ? BROKEN : g.store->does->access->default_get(g.store, id, err);
}
static const struct store_access mortal_access = {.builders_get = mortal_builders_get,
                                                  .default_get = mortal_default_get};

static enum status mortal_modes_put(S *s, int64_t c, enum write_mode mode, E *err)
{
    return g.dead ? BROKEN : g.store->does->modes->put(g.store, c, mode, err);
}
static const struct store_modes mortal_modes = {.put = mortal_modes_put};

static enum status mortal_contracts_get(S *s, A *a, int64_t id, int64_t version,
                                        struct contract_version *out, E *err)
{
    return g.dead ? BROKEN : g.store->does->contracts->get(g.store, a, id, version, out, err);
}
static const struct store_contracts mortal_contracts = {.get = mortal_contracts_get};

static enum status mortal_matches_prepare(S *s, int64_t t, int slot, bool fold, E *err)
{
    return g.dead ? BROKEN : g.store->does->matches->prepare(g.store, t, slot, fold, err);
}

static enum status mortal_matches_find(S *s, A *a, const struct match_query *q,
                                       struct match_found *out, E *err)
{
    return g.dead ? BROKEN : g.store->does->matches->find(g.store, a, q, out, err);
}
static const struct store_matches mortal_matches = {.prepare = mortal_matches_prepare,
                                                    .find = mortal_matches_find};

static enum status mortal_holds_get(S *s, A *a, int64_t id, struct store_hold *out, E *err)
{
    return g.dead ? BROKEN : g.store->does->holds->get(g.store, a, id, out, err);
}
static enum status mortal_holds_signed_in(S *s, int64_t id, E *err)
{
    return g.dead ? BROKEN : g.store->does->holds->signed_in(g.store, id, err);
}
static const struct store_holds mortal_holds = {.get = mortal_holds_get,
                                                .signed_in = mortal_holds_signed_in};

static enum status mortal_gates_get(S *s, A *a, int64_t table, int64_t column, const char *kind,
                                    struct gate *out, bool *found, E *err)
{
    return g.dead ? BROKEN : g.store->does->gates->get(g.store, a, table, column, kind, out, found, err);
}
static enum status mortal_gates_put(S *s, const struct gate *gate, E *err)
{
    return g.dead ? BROKEN : g.store->does->gates->put(g.store, gate, err);
}
static enum status mortal_gates_remove(S *s, int64_t table, int64_t column, const char *kind, E *err)
{
    return g.dead ? BROKEN : g.store->does->gates->remove(g.store, table, column, kind, err);
}
static const struct store_gates mortal_gates = {
    .get = mortal_gates_get, .put = mortal_gates_put, .remove = mortal_gates_remove};
static enum status mortal_cells_count(S *s, int64_t table, int64_t column,
                                      int64_t by_state[CELL_STATES], E *err)
{
    return g.dead ? BROKEN : g.store->does->cells_count(g.store, table, column, by_state, err);
}

static enum status mortal_laters_get(S *s, int64_t table, enum later_what what, struct later *out, E *err)
{
    return g.dead ? BROKEN : g.store->does->laters->get(g.store, table, what, out, err);
}
static enum status mortal_laters_put(S *s, const struct later *later, E *err)
{
    return g.dead ? BROKEN : g.store->does->laters->put(g.store, later, err);
}
static enum status mortal_laters_forget(S *s, int64_t table, enum later_what what, E *err)
{
    return g.dead ? BROKEN : g.store->does->laters->forget(g.store, table, what, err);
}
static const struct store_laters mortal_laters = {
    .get = mortal_laters_get, .put = mortal_laters_put, .forget = mortal_laters_forget};

static enum status mortal_cells_in(S *s, int64_t table, int64_t column, uint32_t states, int64_t *count, E *err)
{
    return g.dead ? BROKEN : g.store->does->cells_in(g.store, table, column, states, count, err);
}

static const struct store_driver mortal = {
    .cells_in = mortal_cells_in,
    .laters = &mortal_laters,
    .matches = &mortal_matches,
    .holds = &mortal_holds,
    .gates = &mortal_gates,
    .cells_count = mortal_cells_count,
    .access = &mortal_access,
    .describes = &mortal_describes,
    .runs = &mortal_runs,
    .dedupe = &mortal_dedupe,
    .name = "mortal",
    .sources = &mortal_sources,
    .choices = &mortal_choices,
    .counters = &mortal_counters,
    .parts = &mortal_parts,
    .shares = &mortal_shares,
    .http = &mortal_http,
    .modes = &mortal_modes,
    .contracts = &mortal_contracts,
    .connection_put = mortal_connection_put,
    .connection_get = mortal_connection_get,
    .connection_list = mortal_connection_list,
    .connection_delete = mortal_connection_delete,
    .sealed_put = mortal_sealed_put,
    .sealed_get = mortal_sealed_get,
    .table_get = mortal_table_get,
    .table_list = mortal_table_list,
    .table_apply = mortal_table_apply,
    .audit_add = mortal_audit_add,
    .column_approve = mortal_column_approve,
    .import_page = mortal_import_page,
    .import_finish = mortal_import_finish,
    .cursor_get = mortal_cursor_get,
    .keys_list = mortal_keys_list,
    .rows_delete = mortal_rows_delete,
    .rows = mortal_rows,
    .cells = mortal_cells,
    .cells_put = mortal_cells_put,
    .cells_make_due = mortal_cells_make_due,
    .ops_plan = mortal_ops_plan,
    .ops_put_off = mortal_ops_put_off,
    .ops_sending = mortal_ops_sending,
    .ops_settle = mortal_ops_settle,
    .ops_list = mortal_ops_list,
    .ops_last = mortal_ops_last,
    .ops_count = mortal_ops_count,
    .ops_recover = mortal_ops_recover,
    .written_get = mortal_written_get,
    .run_begin = mortal_run_begin,
    .run_end = mortal_run_end,
};

/* ------------------------------------------------------- mortal connector */

static struct connector mortal_connector;

static void crash(void *ctx, const char *point)
{
    if (g.die_at && text_eq(point, g.die_at) && --g.die_after == 0)
        g.dead = true;
}

static void date_record(struct crm_session *session, const struct crm_write *write)
{
    struct err err = {0};
    const struct json *email = NULL;
    struct arena *arena = arena_new();
    const struct json *payload = json_parse(arena, write->payload, strlen(write->payload), &err);
    if ((email = json_get(payload, "Email"))) {
        char when[32];
        when_iso(g.world->now_ms(g.world), when);
        const char *id = lead_with(json_text(email));
        if (id && !scripted_field(g.org, write->object, id, "CreatedDate"))
            scripted_set(g.org, write->object, id, "CreatedDate",
                         arena_printf(arena, "\"%s\"", when));
    }
    arena_free(arena);
}

static void mortal_write(struct crm_session *session, const struct crm_write *writes, size_t count,
                         const struct crm_write_options *options, struct arena *arena,
                         struct crm_outcome *outcomes)
{
    if (!g.dead) {
        g.exchanges++;
        scripted_connector.write(session, writes, count, options, arena, outcomes);
        for (size_t i = 0; i < count; i++)
            if (writes[i].kind == OP_CREATE)
                date_record(session, &writes[i]);
        crash(NULL, "written");
    }
    for (size_t i = 0; g.dead && i < count; i++)
        outcomes[i] = (struct crm_outcome){.class = CRM_UNKNOWN};
}

static struct crm_session *mortal_open(struct world *world, const struct connection *connection,
                                       const struct crm_token_store *tokens, struct err *err)
{
    struct crm_session *session = scripted_connector.open(world, connection, tokens, err);
    if (session)
        session->does = &mortal_connector;
    return session;
}

static enum status mortal_lookup(struct crm_session *session, const struct crm_lookup *lookup,
                                 struct arena *arena, struct crm_match **results, struct err *err)
{
    if (g.dead)
        return err_set(err, ERR_CRM_UNREACHABLE, "the process is dead");
    if (g.fail_lookups > 0 && g.fail_lookups--)
        return err_set(err, ERR_CRM_UNREACHABLE, "the network is down");
    return scripted_connector.lookup(session, lookup, arena, results, err);
}

/* ------------------------------------------------------------------ given */

const char *given_home(void)
{
    return home;
}

static void open_store(void)
{
    char data[300];
    snprintf(data, sizeof data, "%s/data", home);
    struct store_open options = {.data = data, .name = "Acme", .create = true, .world = g.world};
    CHECK_OK(sqlite_store_open(&options, &g.store, &g.err), &g.err);
    g.shell = *g.store;
    g.shell.does = &mortal;
    g.engine.store = &g.shell;
    g.engine.data = arena_strdup(g.arena, data);
    g.engine.local_files = true;
    g.engine.vault = vault_open(g.store->workspace_id, true, &g.err);
    CHECK_GOT(g.engine.vault, &g.err);
}

static void close_store(void)
{
    engine_release(&g.engine);
    vault_close(g.engine.vault);
    if (g.store)
        g.store->does->close(g.store);
    g.store = NULL;
    g.engine.vault = NULL;
}

static void remove_home(void)
{
    char command[320];
    snprintf(command, sizeof command, "rm -rf '%s'", home);
    if (system(command) != 0)
        abort();
}

void given_begin(void)
{
    static const struct connector *const connectors[] = {&mortal_connector};
    const char *temp = getenv("TMPDIR");
    snprintf(home, sizeof home, "%s/argil-engine-%ld", temp ? temp : "/tmp", (long)getpid());
    remove_home();
    setenv("XDG_CONFIG_HOME", home, 1);
    unsetenv("ARGIL_KEY_FILE");
    unsetenv("ARGIL_CRASH_AT");
    memset(&g, 0, sizeof g);
    mortal_connector = scripted_connector;
    mortal_connector.open = mortal_open;
    mortal_connector.write = mortal_write;
    mortal_connector.lookup = mortal_lookup;
    g.world = world_fake(1795392600000, 7); /* 2026-11-23 00:10, the scripted org's day */
    g.arena = arena_new();
    g.engine = (struct engine){.world = g.world,
                               .connectors = connectors,
                               .connector_count = 1,
                               .stop = &g.stop,
                               .settle_ms = SETTLE_MS,
                               .crash = crash};
    g.options = (struct run_options){.yes = true};
    open_store();
}

void given_end(void)
{
    close_store();
    formula_engine_free(g.engine.formula);
    http_client_free(g.engine.http);
    scripted_use(NULL);
    scripted_free(g.org);
    arena_free(g.arena);
    free(g.world);
    remove_home();
}

void given_reborn(void)
{
    close_store();
    g.dead = false;
    g.die_at = NULL;
    open_store();
}

static const char *backup_file(const char *name)
{
    return arena_printf(g.arena, "%s/%s.db", home, name);
}

void given_backup(const char *name)
{
    struct store_backup made;
    CHECK_OK(sqlite_store_backup(g.engine.data, backup_file(name), g.world, g.arena, &made, &g.err),
             &g.err);
}

void given_restored(const char *name)
{
    struct store_backup from;
    const char *kept;
    close_store();
    g.dead = false;
    g.die_at = NULL;
    world_fake_advance(g.world, 60 * 1000);
    CHECK_OK(sqlite_store_restore(backup_file(name), g.engine.data, true, g.world, g.arena, &from,
                                  &kept, &g.err),
             &g.err);
    open_store();
    world_fake_advance(g.world, 60 * 1000);
}

void die_at(const char *point, int after)
{
    g.die_at = point;
    g.die_after = after;
}

#define FIELD(name, type, more)                                                                    \
    "{\"name\":\"" name "\",\"label\":\"" name "\",\"type\":\"" type                               \
    "\",\"length\":80,\"createable\":true,\"updateable\":true,\"nillable\":true,"                  \
    "\"filterable\":true,\"sortable\":true" more "}"
#define SYSTEM_FIELDS                                                                              \
    "{\"name\":\"Id\",\"type\":\"id\",\"filterable\":true},"                                       \
    "{\"name\":\"CreatedById\",\"type\":\"reference\",\"filterable\":true},"                       \
    "{\"name\":\"CreatedDate\",\"type\":\"datetime\",\"filterable\":true},"                        \
    "{\"name\":\"IsDeleted\",\"type\":\"boolean\",\"filterable\":true},"                           \
    "{\"name\":\"SystemModstamp\",\"type\":\"datetime\",\"filterable\":true,\"sortable\":true}"

static void put_contacts(struct buf *script, int count)
{
    for (int i = 1; i <= count; i++)
        buf_printf(
            script,
            "%s{\"Id\":\"003%012dAAA\",\"LastName\":\"Person %d\",\"Email\":\"p%d@x.org\","
            "\"Company\":\"Firm %d\",\"SystemModstamp\":\"2026-11-22T10:%02d:%02d.000+0000\"}",
            i > 1 ? "," : "", i, i, i, i, i / 60 % 60, i % 60);
}

static void connect_org(void)
{
    struct connection connection = {.name = "prod"};
    struct crm_tokens tokens = {0};
    struct secret token = {0};
    secret_set(&token, "token", 5);
    CHECK_OK(scripted_connector.signin_token(g.world, g.arena, &(struct crm_signin){0}, &token,
                                             &connection, &tokens, &g.err),
             &g.err);
    CHECK_OK(engine_connect(&g.engine, &connection, &tokens, &g.err), &g.err);
    secret_wipe(&token);
    secret_wipe(&tokens.access);
    secret_wipe(&tokens.refresh);
}

void given_org(const char *lead_extra, int contacts)
{
    struct buf script = BUF_INIT;
    buf_printf(
        &script,
        "{\"page\":7,\"objects\":{\"Contact\":{\"keyPrefix\":\"003\",\"fields\":[%s,%s,%s,%s]"
        ",\"records\":[",
        SYSTEM_FIELDS, FIELD("LastName", "string", ""), FIELD("Email", "email", ""),
        FIELD("Company", "string", ""));
    put_contacts(&script, contacts);
    buf_printf(&script,
               "]},\"Lead\":{\"keyPrefix\":\"00Q\",\"fields\":[%s,%s,%s,%s,%s%s],\"records\":[]}}}",
               SYSTEM_FIELDS, FIELD("LastName", "string", ""), FIELD("Email", "email", ""),
               FIELD("Company", "string", ""), FIELD("Industry", "string", ""), lead_extra);
    scripted_free(g.org); /* a second call: the org as it is from now on */
    g.org = scripted_new(buf_text(&script), &g.err);
    buf_free(&script);
    CHECK_GOT(g.org, &g.err);
    scripted_use(g.org);
    connect_org();
}

void given_table(const struct given_column *columns, size_t count, const char *guard)
{
    static const char *const fields[] = {"LastName", "Email", "Company"};
    struct table table = {
        .name = "people",
        .recipe = "table: people",
        .source = "{\"connection\":\"prod\",\"object\":\"Contact\",\"fields\":[\"LastName\","
                  "\"Email\",\"Company\"]}",
        .connection = "prod",
        .object = "Contact",
        .guard = guard ? guard : "{}",
        .auto_update = true,
        .column_count = count + 3};
    table.columns = arena_array(g.arena, table.column_count, sizeof *table.columns);
    for (size_t i = 0; i < 3; i++)
        table.columns[i] = (struct column){.name = fields[i],
                                           .kind = "source",
                                           .config = "{}",
                                           .source_field = fields[i],
                                           .position = (int)i};
    for (size_t i = 0; i < count; i++)
        table.columns[i + 3] = (struct column){.name = columns[i].name,
                                               .kind = columns[i].kind,
                                               .config = columns[i].config,
                                               .only_run_if = columns[i].only_run_if,
                                               .type = columns[i].type,
                                               .auto_update = true,
                                               .position = (int)i + 3};
    CHECK_OK(g.store->does->table_apply(g.store, &table, &g.err), &g.err);
}

void given_synced(void)
{
    CHECK_OK(sync_table(&g.engine, "people", false, &g.sync, &g.err), &g.err);
}

enum status run(void)
{
    err_clear(&g.err);
    return run_table(&g.engine, "people", &g.options, &g.report, &g.err);
}

void run_ok(void)
{
    CHECK_OK(run(), &g.err);
}

/* ---------------------------------------------------------------- looking */

static struct table *people(void)
{
    struct table *table = arena_alloc(g.arena, sizeof *table);
    CHECK_OK(g.store->does->table_get(g.store, g.arena, "people", table, &g.err), &g.err);
    return table;
}

int64_t column_id(const char *name)
{
    const struct column *column = table_column(people(), name);
    CHECK(column != NULL);
    return column->id;
}

static int64_t row_id(int row)
{
    struct row *rows = NULL;
    size_t count = 0;
    struct row_query query = {.table_id = people()->id, .limit = (size_t)row};
    CHECK_OK(g.store->does->rows(g.store, g.arena, &query, &rows, &count, &g.err), &g.err);
    CHECK_INT(count, row);
    return rows[row - 1].id;
}

static struct cell cell_at(const char *column, int row)
{
    struct cell cell;
    int64_t id = row_id(row);
    CHECK_OK(g.store->does->cells(g.store, g.arena, people()->id, column_id(column), &id, 1, &cell,
                                  &g.err),
             &g.err);
    return cell;
}

enum cell_state cell_state(const char *column, int row)
{
    return cell_at(column, row).state;
}

const char *cell_code(const char *column, int row)
{
    return cell_at(column, row).code;
}

const char *cell_value(const char *column, int row)
{
    struct table *table = people();
    const struct column *found = table_column(table, column);
    struct row *rows = NULL;
    size_t count = 0;
    struct row_query query = {
        .table_id = table->id, .slots = &found->slot, .slot_count = 1, .limit = (size_t)row};
    CHECK_OK(g.store->does->rows(g.store, g.arena, &query, &rows, &count, &g.err), &g.err);
    CHECK_INT(count, row);
    struct value value = rows[row - 1].values[0];
    return value.text ? arena_strndup(g.arena, value.text, value.len) : NULL;
}

struct op_counts ops(void)
{
    struct op_counts counts;
    CHECK_OK(journal_check(&g.engine, 0, &counts, &g.err), &g.err);
    return counts;
}

struct op op_of(const char *column, int row)
{
    struct op op;
    int64_t id = row_id(row);
    CHECK_OK(g.store->does->ops_last(g.store, g.arena, people()->id, column_id(column), &id, 1, &op,
                                     &g.err),
             &g.err);
    return op;
}

size_t leads(void)
{
    return scripted_record_count(g.org, "Lead");
}

const char *lead_with(const char *email)
{
    static const char *const by_email[] = {"Email"};
    struct err err = {0};
    struct connection connection = {0};
    struct crm_session *session = scripted_connector.open(g.world, &connection, NULL, &err);
    struct value key = {email, (uint32_t)strlen(email)};
    struct crm_match *match = NULL;
    struct crm_lookup lookup = {
        .object = "Lead", .match_fields = by_email, .match_count = 1, .keys = &key, .row_count = 1};
    enum status rc = scripted_connector.lookup(session, &lookup, g.arena, &match, &err);
    scripted_connector.close(session);
    return rc == OK && match ? match->id : NULL;
}
