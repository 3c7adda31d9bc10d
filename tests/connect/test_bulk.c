/* test_bulk.c - reading by Bulk query jobs against canned answers: what is
 * asked, how often, and what is made of what comes. Names hold the row of the
 * fault matrix they guard. Guards connect/salesforce/bulk_*.c. */
#include "connect/canned.h"

#include "base/str.h"

#include <string.h>

#define JOB  "750000000000001AAA"
#define JOBS "/services/data/v66.0/jobs/query"
#define ONE  "GET " JOBS "/" JOB
#define PAGE ONE "/results?maxRecords=100000"

static const char *const fields[] = {"Email", "Owner.Name", "CreatedDate", "Company", "Email"};
#define HEAD "\"Id\",\"SystemModstamp\",\"Email\",\"Owner.Name\",\"CreatedDate\",\"Company\"\n"
#define ROW(n, email, company)                                                                     \
    "\"00Q00000000000" #n "EAA\",\"2026-11-23T10:00:00.000Z\",\"" email                            \
    "\",\"Ann\",\"2020-01-02T03:04:05.000Z\",\"" company "\"\n"

static const char *job(const char *state, int records)
{
    return arena_printf(arena,
                        "{\"id\":\"" JOB "\",\"operation\":\"query\",\"object\":\"Lead\","
                        "\"state\":\"%s\",\"numberRecordsProcessed\":%d,\"errorMessage\":\"why\"}",
                        state, records);
}

static struct crm_read lead_read(void)
{
    return (struct crm_read){.object = "Lead",
                             .fields = fields,
                             .field_count = 5,
                             .where = "Email != null",
                             .transport = CRM_TRANSPORT_BULK};
}

static struct crm_reader *reader;
static struct crm_page page;

static void open_read(struct crm_read read)
{
    reader = salesforce_connector.read_open(session, &read, &err);
    CHECK_GOT(reader, &err);
}

/* The next page that holds records or is the last. */
static enum status next_full(void)
{
    do {
        if (salesforce_connector.read_next(reader, arena, &page, &err) != OK)
            return FAIL;
    } while (!page.count && !page.last);
    return OK;
}

static void close_read(void)
{
    salesforce_connector.read_close(reader);
    reader = NULL;
}

static void can_done(int records)
{
    can("POST " JOBS, 200, job("UploadComplete", 0));
    can("GET /services/data/v66.0/sobjects/User/describe", 200,
        "{\"name\":\"User\",\"fields\":[{\"name\":\"Name\",\"type\":\"string\"}]}");
    can(ONE, 200, job("JobComplete", records));
    can_usual();
}

TEST(bulk, gives_what_pages_would_give)
{
    can_csv(PAGE "&locator=", HEAD ROW(3, "c@d.ef", "Two\nlines, \"\"quoted\"\""), "1", "null");
    can_csv(PAGE, HEAD ROW(1, "a@b.co", "") ROW(2, "", "x"), "2", "MTAw/+=");
    can_done(3);
    open_read(lead_read());
    CHECK_OK(salesforce_connector.read_next(reader, arena, &page, &err), &err);
    CHECK_INT(page.count, 0); /* the job was made: its id can be stored */
    CHECK_STR(page.place, JOB " - 0 0");
    CHECK_OK(next_full(), &err);
    CHECK_INT(page.count, 3);
    CHECK(page.last);
    CHECK_INT(page.missing, 0);
    struct value *v = page.records[0].values;
    CHECK_STR(page.records[0].id, "00Q000000000001EAA");
    CHECK_STR(page.records[0].stamp, "2026-11-23T10:00:00.000+0000");
    CHECK_STR(v[0].text, "a@b.co");
    CHECK_STR(v[1].text, "Ann");
    CHECK_STR(v[2].text, "2020-01-02T03:04:05.000+0000");
    CHECK(v[3].text == NULL); /* an empty cell is null */
    CHECK_STR(v[4].text, "a@b.co");
    CHECK(page.records[1].values[0].text == NULL);
    CHECK_STR(page.records[2].values[3].text, "Two\nlines, \"quoted\"");
    CHECK_OK(salesforce_connector.read_next(reader, arena, &page, &err), &err);
    CHECK(page.last && page.count == 0);
    close_read();
    CHECK_CONTAINS(seen_nth("POST " JOBS, 0),
                   "\"operation\":\"query\",\"query\":\"SELECT Id, SystemModstamp, Email, "
                   "Owner.Name, CreatedDate, Company FROM Lead WHERE (Email != null)\","
                   "\"contentType\":\"CSV\",\"columnDelimiter\":\"COMMA\",\"lineEnding\":\"LF\"");
    CHECK_CONTAINS(seen_nth(PAGE "&locator", 0), "&locator=MTAw%2F%2B%3D");
    CHECK_INT(seen_with(PAGE), 2);
    CHECK_INT(session->calls, 6); /* two describes, the job, one question, two pages */
}

TEST(bulk, row_129_a_page_of_a_header_alone_is_not_the_end)
{
    can_csv(PAGE "&locator=Mg", HEAD ROW(2, "b@b.co", "b"), "1", "null");
    can_csv(PAGE "&locator=MQ", HEAD, "0", "Mg");
    can_csv(PAGE, HEAD ROW(1, "a@b.co", "a"), "1", "MQ");
    can_done(2);
    open_read(lead_read());
    CHECK_OK(next_full(), &err);
    CHECK_INT(page.count, 2);
    CHECK_STR(page.records[1].values[0].text, "b@b.co");
    CHECK_STR(page.place, JOB " Mg 1 2");
    close_read();
}

TEST(bulk, goes_on_behind_the_place_it_was_told)
{
    struct crm_read read = lead_read();
    can_csv(PAGE "&locator=MQ", HEAD ROW(2, "b@b.co", "b") ROW(3, "c@b.co", "c"), "2", "null");
    can_done(3);
    read.place = JOB " MQ 1 2";
    open_read(read);
    CHECK_OK(next_full(), &err);
    CHECK_INT(page.count, 1);
    CHECK_STR(page.records[0].id, "00Q000000000003EAA");
    CHECK(page.last && page.missing == 0);
    close_read();
    CHECK_INT(seen_with("POST"), 0);
    CHECK_INT(seen_with("PATCH"), 0);
}

TEST(bulk, row_92_results_that_are_gone_say_so)
{
    struct crm_read read = lead_read();
    can_times(ONE, 404, "[{\"errorCode\":\"NOT_FOUND\",\"message\":\"no such job\"}]", 1);
    can_usual();
    read.place = JOB " MQ 1 2";
    open_read(read);
    CHECK_FAIL(next_full(), &err, ERR_CRM_PLACE_LOST);
    close_read();
    read.place = "not a place";
    err_clear(&err);
    CHECK(salesforce_connector.read_open(session, &read, &err) == NULL);
    CHECK_STR(err.code, ERR_CRM_PLACE_LOST);
}

TEST(bulk, row_92_a_locator_the_org_forgot_says_so)
{
    struct crm_read read = lead_read();
    can(PAGE "&locator=MQ", 400,
        "[{\"errorCode\":\"INVALIDLOCATOR\",\"message\":\"InvalidLocator\"}]");
    can_done(3);
    read.place = JOB " MQ 1 2";
    open_read(read);
    CHECK_FAIL(next_full(), &err, ERR_CRM_PLACE_LOST);
    close_read();
}

/* The first try dies in the middle: 2,000 of 3,000 records of the page are lost with it. */
TEST(bulk, row_91_a_page_that_breaks_off_is_read_again_from_where_it_broke)
{
    struct buf csv = BUF_INIT;
    buf_str(&csv, HEAD);
    for (int i = 0; i < 30000; i++)
        buf_printf(&csv, "\"00Q%012dEAA\",\"2026-11-23T10:00:00.000Z\",\"a%d\",\"\",\"\",\"x\"\n",
                   i, i);
    can_csv(PAGE, buf_text(&csv), "30000", "null");
    can_last()->broken = HTTP_BREAK_MIDDLE;
    can_last()->times = 1;
    can_csv(PAGE, buf_text(&csv), "30000", "null");
    can_done(30000);
    open_read(lead_read());
    for (int seen = 0; !page.last || !seen; seen += (int)page.count) {
        CHECK_OK(salesforce_connector.read_next(reader, arena, &page, &err), &err);
        for (size_t i = 0; i < page.count; i++)
            CHECK_STR(page.records[i].values[0].text, arena_printf(arena, "a%d", seen + (int)i));
        if (page.last)
            CHECK_INT(seen + (int)page.count, 30000);
    }
    CHECK_INT(page.missing, 0);
    close_read();
    CHECK_INT(seen_with(PAGE), 2);
    CHECK_INT(sleeps >= 1, 1);
    buf_free(&csv);
}

TEST(bulk, row_42_an_ended_session_is_renewed_once_and_nothing_is_lost)
{
    can_csv(PAGE, HEAD ROW(1, "a@b.co", "a"), "1", "null");
    can_last()->auth = "Bearer second";
    can(PAGE, 401, STALE);
    can("POST /services/oauth2/token", 200, grant("second", "fresh2"));
    can_done(1);
    open_read(lead_read());
    CHECK_OK(next_full(), &err);
    CHECK_INT(page.count, 1);
    close_read();
    CHECK_INT(seen_with("POST /services/oauth2/token"), 1);
}

TEST(bulk, row_44_a_session_that_ends_again_is_the_end)
{
    can(PAGE, 401, STALE);
    can("POST /services/oauth2/token", 200, grant("second", "fresh2"));
    can_done(1);
    open_read(lead_read());
    CHECK_FAIL(next_full(), &err, ERR_CRM_NOT_ADMITTED);
    close_read();
    CHECK_INT(seen_with("POST /services/oauth2/token"), 1);
}

TEST(bulk, row_100_a_count_that_does_not_fit_is_told)
{
    can_csv(PAGE, HEAD ROW(1, "a@b.co", "a"), "1", "null");
    can_done(3);
    open_read(lead_read());
    CHECK_OK(next_full(), &err);
    CHECK_INT(page.missing, 2);
    close_read();
}

TEST(bulk, row_100_a_page_that_holds_less_than_its_head_says_is_not_taken)
{
    can_csv(PAGE, HEAD ROW(1, "a@b.co", "a"), "2", "null");
    can_done(2);
    open_read(lead_read());
    CHECK_FAIL(next_full(), &err, ERR_CRM_SHORT);
    close_read();
}

TEST(bulk, html_in_place_of_csv_is_no_result)
{
    can_csv(PAGE, "<html><body>We are down for maintenance</body></html>", NULL, NULL);
    can_done(2);
    open_read(lead_read());
    CHECK_FAIL(next_full(), &err, ERR_CRM_SHORT);
    CHECK_INT(page.count, 0);
    close_read();
}

TEST(bulk, row_40_the_daily_limit_stops_the_read_and_names_itself)
{
    can(PAGE, 403,
        "[{\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\",\"message\":\"TotalRequests Limit "
        "exceeded.\"}]");
    can_done(2);
    open_read(lead_read());
    CHECK_FAIL(next_full(), &err, ERR_CRM_LIMIT);
    close_read();
    CHECK_INT(seen_with(PAGE), 1);
}

TEST(bulk, row_41_too_many_requests_at_once_is_waited_for)
{
    can_times(PAGE, 403,
              "[{\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\",\"message\":\"ConcurrentRequests "
              "(Concurrent API Requests) Limit exceeded.\"}]",
              2);
    can_csv(PAGE, HEAD ROW(1, "a@b.co", "a"), "1", "null");
    can_done(1);
    open_read(lead_read());
    CHECK_OK(next_full(), &err);
    CHECK_INT(page.count, 1);
    close_read();
    CHECK_INT(seen_with(PAGE), 3);
}

#define PLAIN_PAGE                                                                                 \
    "{\"totalSize\":1,\"done\":true,\"records\":[{\"Id\":\"00Q000000000001EAA\","                  \
    "\"SystemModstamp\":\"2026-11-23T10:00:00.000+0000\",\"Email\":\"a@b.co\"}]}"

TEST(refusal, of_a_job_sends_the_reader_to_pages)
{
    can("POST " JOBS, 400,
        "[{\"errorCode\":\"INVALIDENTITY\",\"message\":\"Entity 'Lead' is not supported by the "
        "Bulk API.\"}]");
    can("GET /services/data/v66.0/query?q=", 200, PLAIN_PAGE);
    can_usual();
    open_read(lead_read());
    CHECK_OK(next_full(), &err);
    CHECK_INT(page.count, 1);
    CHECK(page.place == NULL);
    CHECK_STR(page.records[0].values[0].text, "a@b.co");
    close_read();
}

TEST(refusal, after_the_start_sends_the_reader_to_pages_too)
{
    can("POST " JOBS, 200, job("UploadComplete", 0));
    can(ONE, 200, job("Failed", 0));
    can("GET /services/data/v66.0/query?q=", 200, PLAIN_PAGE);
    can_usual();
    open_read(lead_read());
    CHECK_OK(next_full(), &err);
    CHECK_INT(page.count, 1);
    close_read();
    CHECK_INT(seen_with("PATCH"), 0);
}

TEST(refusal, of_the_org_itself_is_not_hidden)
{
    can("POST " JOBS, 503, "[{\"errorCode\":\"SERVER_UNAVAILABLE\",\"message\":\"busy\"}]");
    can_usual();
    open_read(lead_read());
    CHECK_FAIL(next_full(), &err, ERR_CRM_UNREACHABLE);
    close_read();
}

TEST(closing, a_reader_stops_the_job_it_waits_for)
{
    can("POST " JOBS, 200, job("UploadComplete", 0));
    can(ONE, 200, job("InProgress", 5));
    can("PATCH " JOBS "/" JOB, 200, job("Aborted", 5));
    can_usual();
    open_read(lead_read());
    for (int i = 0; i < 12; i++)
        CHECK_OK(salesforce_connector.read_next(reader, arena, &page, &err), &err);
    close_read();
    CHECK_CONTAINS(seen_nth("PATCH", 0), "{\"state\":\"Aborted\"}");
    CHECK(seen_with(ONE) >= 3 && seen_with(ONE) < 12); /* asked less and less often */
}

TEST(closing, a_reader_in_the_middle_of_a_result_leaves_the_job)
{
    can_csv(PAGE, HEAD ROW(1, "a@b.co", "a"), "1", "Mg");
    can_csv(PAGE "&locator=", HEAD, "0", "null");
    can_done(1);
    open_read(lead_read());
    for (int i = 0; i < 3; i++)
        CHECK_OK(salesforce_connector.read_next(reader, arena, &page, &err), &err);
    close_read();
    CHECK_INT(seen_with("PATCH"), 0);
}

TEST(choice, small_reads_go_by_pages_and_large_ones_in_bulk)
{
    struct crm_read read = lead_read();
    read.transport = CRM_TRANSPORT_AUTO;
    can_csv(PAGE, HEAD ROW(1, "a@b.co", "a"), "1", "null");
    can("GET /services/data/v66.0/query?q=", 200, PLAIN_PAGE);
    can_done(1);
    read.expected = 40000;
    open_read(read);
    CHECK_OK(next_full(), &err);
    close_read();
    CHECK_INT(seen_with("POST " JOBS), 0);
    read.expected = 100000;
    open_read(read);
    CHECK_OK(next_full(), &err);
    close_read();
    CHECK_INT(seen_with("POST " JOBS), 1);
    read.transport = CRM_TRANSPORT_PAGES;
    open_read(read);
    CHECK_OK(next_full(), &err);
    close_read();
    CHECK_INT(seen_with("POST " JOBS), 1);
}

TEST(choice, compound_fields_go_by_pages)
{
    static const char *const address[] = {"Address"};
    struct crm_read read = {
        .object = "Lead", .fields = address, .field_count = 1, .expected = 1000000};
    can("GET /services/data/v66.0/query?q=", 200, PLAIN_PAGE);
    can_usual();
    open_read(read);
    CHECK_OK(next_full(), &err);
    close_read();
    CHECK_INT(seen_with("POST"), 0);
}

/* Nobody counted: the first page tells how much is left, and bulk takes over behind it. */
TEST(choice, a_read_that_turns_out_large_changes_over)
{
    struct crm_read read = lead_read();
    read.transport = CRM_TRANSPORT_AUTO;
    can("GET /services/data/v66.0/query?q=", 200,
        "{\"totalSize\":500000,\"done\":false,\"nextRecordsUrl\":\"/x/01gX-2000\",\"records\":[{"
        "\"Id\":\"00Q000000000001EAA\",\"SystemModstamp\":\"2026-11-23T10:00:00.000+0000\"}]}");
    can_csv(PAGE, HEAD ROW(2, "b@b.co", "a"), "1", "null");
    can_done(1);
    open_read(read);
    CHECK_OK(next_full(), &err);
    CHECK(page.place == NULL && !page.last);
    CHECK_OK(next_full(), &err);
    CHECK_STR(page.records[0].id, "00Q000000000002EAA");
    CHECK(page.last);
    close_read();
    CHECK_CONTAINS(seen_nth("POST " JOBS, 0), "AND Id > '00Q000000000001EAA'");
    CHECK_INT(seen_with("01gX"), 0);
}
