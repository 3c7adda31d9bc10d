/* run_print.c - see run_print.h. */
#include "cli/run_print.h"

#include "base/str.h"

static void json_repairs(struct jw *w, const struct run_report *r)
{
    jw_key(w, "repairs");
    jw_array(w);
    for (size_t i = 0; i < r->repair_count; i++) {
        jw_object(w);
        jw_kv_text(w, "field", r->repairs[i].field);
        jw_kv_int(w, "count", r->repairs[i].count);
        jw_kv_text(w, "given", r->repairs[i].given);
        jw_kv_text(w, "written", r->repairs[i].written);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void json_report(const char *table, const struct run_report *r)
{
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    jw_object(&w);
    jw_kv_text(&w, "table", table);
    jw_kv_int(&w, "run", r->run_id);
    jw_kv_int(&w, "cells_computed", r->cells_computed);
    jw_kv_int(&w, "cells_skipped", r->cells_skipped);
    jw_kv_int(&w, "cells_no_result", r->cells_no_result);
    jw_kv_int(&w, "cells_waiting", r->cells_waiting);
    jw_kv_int(&w, "cells_error", r->cells_error);
    jw_kv_int(&w, "looked_up", r->looked_up);
    jw_kv_int(&w, "created", r->created);
    jw_kv_int(&w, "adopted", r->adopted);
    jw_kv_int(&w, "updated", r->updated);
    jw_kv_int(&w, "upserted", r->upserted);
    jw_kv_int(&w, "deleted", r->deleted);
    jw_kv_int(&w, "converted", r->converted);
    jw_kv_int(&w, "unchanged", r->unchanged);
    jw_kv_int(&w, "repaired", r->repaired);
    jw_kv_int(&w, "refused", r->refused);
    jw_kv_int(&w, "rejected", r->rejected);
    jw_kv_int(&w, "in_doubt", r->in_doubt);
    jw_kv_int(&w, "retrying", r->retrying);
    jw_kv_int(&w, "planned", r->planned);
    jw_kv_int(&w, "sent_single", r->sent_single);
    jw_kv_int(&w, "sent_collections", r->sent_collections);
    jw_kv_int(&w, "sent_bulk", r->sent_bulk);
    jw_kv_int(&w, "bulk_jobs", r->bulk_jobs);
    jw_kv_int(&w, "write_calls", r->write_calls);
    jw_kv_int(&w, "http_requests", r->http_requests);
    jw_kv_int(&w, "cells_delayed", r->cells_delayed);
    jw_kv_int(&w, "rows_sent", r->rows_sent);
    jw_kv_int(&w, "rows_tidied", r->rows_tidied);
    jw_kv_bool(&w, "paused", r->paused);
    jw_kv_int(&w, "api_calls", (int64_t)r->calls);
    jw_kv_int(&w, "api_calls_one_each", (int64_t)r->calls_one_each);
    jw_kv_int(&w, "took_ms", r->took_ms);
    jw_key(&w, "refusals");
    jw_array(&w);
    for (size_t i = 0; i < r->refusal_count; i++) {
        jw_object(&w);
        jw_kv_text(&w, "code", r->refusals[i].code);
        jw_kv_text(&w, "message", r->refusals[i].message);
        jw_kv_int(&w, "count", r->refusals[i].count);
        jw_end_object(&w);
    }
    jw_end_array(&w);
    json_repairs(&w, r);
    jw_end_object(&w);
    puts(buf_text(&out));
    buf_free(&out);
}

static void count_line(const char *what, int64_t count)
{
    if (count)
        printf("  %-22s %s\n", what, thousands(count));
}

/* How the writes travelled, or would. */
static void transport_lines(const struct run_report *r)
{
    count_line("by single requests", r->sent_single);
    count_line("by collections", r->sent_collections);
    if (r->sent_bulk && r->planned)
        printf("  %-22s %s\n", "by Bulk jobs", thousands(r->sent_bulk));
    else if (r->sent_bulk)
        printf("  %-22s %s in %s\n", "by Bulk jobs", thousands(r->sent_bulk),
               r->bulk_jobs == 1 ? "one job" : "several jobs");
    count_line("calls to write them", r->write_calls);
}

static void text_report(const char *table, const struct run_report *r)
{
    int64_t writes = r->created + r->adopted + r->updated + r->upserted + r->deleted + r->converted;
    if (!r->cells_computed && !writes && !r->cells_error && !r->refused && !r->planned &&
        !r->in_doubt && !r->retrying)
        printf("%s: nothing was due.\n", table);
    else
        printf("%s: %s cells computed\n", table, thousands(r->cells_computed));
    count_line("looked up", r->looked_up);
    count_line("would be written", r->planned);
    count_line("created", r->created);
    count_line("found, not created", r->adopted);
    count_line("updated", r->updated);
    count_line("upserted", r->upserted);
    count_line("deleted", r->deleted);
    count_line("converted", r->converted);
    count_line("already so", r->unchanged);
    count_line("left for later: delay", r->cells_delayed);
    count_line("rows sent to tables", r->rows_sent);
    count_line("requests to HTTP APIs", r->http_requests);
    count_line("rows gone: auto_delete", r->rows_tidied);
    count_line("skipped: condition", r->cells_skipped);
    count_line("no result", r->cells_no_result);
    count_line("waiting for input", r->cells_waiting);
    count_line("errors", r->cells_error);
    count_line("refused locally", r->refused);
    count_line("rejected by the org", r->rejected);
    count_line("retrying later", r->retrying);
    count_line("IN DOUBT", r->in_doubt);
    count_line("values made fit", r->repaired);
    for (size_t i = 0; i < r->repair_count; i++)
        printf("    %6s x %s, such as \"%s\" to %s\n", thousands(r->repairs[i].count),
               r->repairs[i].field, r->repairs[i].given, r->repairs[i].written);
    transport_lines(r);
    if (r->refusal_count)
        puts("  Why:");
    for (size_t i = 0; i < r->refusal_count; i++)
        printf("    %6s x %s\n", thousands(r->refusals[i].count), r->refusals[i].message);
    printf("  %llu API calls (one call a record: %llu), %s\n", (unsigned long long)r->calls,
           (unsigned long long)r->calls_one_each, took(r->took_ms));
    if (r->paused)
        puts("  Paused: a limit or what is told above holds the rest back. Everything is kept; run "
             "again later.");
    if (r->in_doubt)
        printf("  See `argil journal list --state in-doubt`.\n");
}

int run_exit_code(const struct run_report *r)
{
    if (r->paused || r->retrying)
        return EXIT_LATER;
    if (r->in_doubt || r->refused || r->rejected || r->cells_error)
        return EXIT_ATTENTION;
    return EXIT_DONE;
}

void run_print(struct cli *cli, const char *what, const struct run_report *report)
{
    if (cli->json)
        json_report(what, report);
    else
        text_report(what, report);
}
