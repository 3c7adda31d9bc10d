/* test_bulk.c - Bulk API 2.0 and 1: files to records, records to files. */
#include "localorg/rest/fixture.h"

#include "base/str.h"

#include <string.h>

EACH_REST_TEST

#define V      "/services/data/v66.0"
#define INGEST V "/jobs/ingest"
#define QUERY  V "/jobs/query"

static const char *text_of(const struct reply *reply, const char *name)
{
    const char *text = json_get_text(reply->json, name);
    return text ? text : "";
}

static const char *open_job(const char *json)
{
    struct reply reply = ask("POST", INGEST, json);
    CHECK_INT(reply.status, 200);
    return text_of(&reply, "id");
}

static struct reply job_call(const char *method, const char *id, const char *tail, const char *body)
{
    return ask(method, text_f(INGEST "/%s%s", id, tail), body);
}

/* Polls until the job is over; its last answer. */
static struct reply finished(const char *path)
{
    struct reply reply;
    const char *state;
    int polls = 0;
    do {
        reply = ask("GET", path, NULL);
        CHECK_INT(reply.status, 200);
        state = text_of(&reply, "state");
    } while (++polls < 500 &&
             (strcmp(state, "InProgress") == 0 || strcmp(state, "UploadComplete") == 0));
    return reply;
}

/* Create, upload, close, wait; `settings` are members after object and operation. */
static const char *loaded(const char *object, const char *operation, const char *settings,
                          const char *csv, const char *state)
{
    const char *id =
        open_job(text_f("{\"object\":\"%s\",\"operation\":\"%s\"%s}", object, operation, settings));
    struct reply reply = job_call("PUT", id, "/batches", csv);
    CHECK_INT(reply.status, 201);
    reply = job_call("PATCH", id, "", "{\"state\":\"UploadComplete\"}");
    CHECK_STR(text_of(&reply, "state"), "UploadComplete");
    reply = finished(text_f(INGEST "/%s", id));
    CHECK_STR(text_of(&reply, "state"), state);
    return id;
}

static const char *results(const char *id, const char *which)
{
    struct reply reply = job_call("GET", id, text_f("/%s", which), NULL);
    CHECK_INT(reply.status, 200);
    return reply.text;
}

static const char *failure_of(const char *id)
{
    struct reply reply = job_call("GET", id, "", NULL);
    return text_of(&reply, "errorMessage");
}

static void policy(const char *settings)
{
    struct reply reply = ask("POST", "/localorg/policies", text_f("{\"org\":{%s}}", settings));
    CHECK_INT(reply.status, 200);
}

/* --- ingest --- */

TEST(bulk, a_job_is_told_as_the_guide_prints_it)
{
    struct reply reply = ask("POST", INGEST, "{\"object\":\"account\",\"operation\":\"insert\"}");
    const char *id = text_of(&reply, "id");
    CHECK(text_starts(id, "750"));
    CHECK_CONTAINS(reply.text, "\"object\":\"Account\"");
    CHECK_CONTAINS(
        reply.text,
        text_f("\"state\":\"Open\",\"concurrencyMode\":\"Parallel\",\"contentType\":"
               "\"CSV\",\"apiVersion\":66.0,\"contentUrl\":\"services/data/v66.0/jobs/"
               "ingest/%s/batches\",\"lineEnding\":\"LF\",\"columnDelimiter\":\"COMMA\"}",
               id));
    reply = job_call("GET", id, "", NULL);
    CHECK_CONTAINS(reply.text, "\"jobType\":\"V2Ingest\"");
    CHECK_CONTAINS(reply.text, "\"numberRecordsProcessed\":0,\"numberRecordsFailed\":0,");
}

TEST(bulk, rows_go_to_the_file_of_their_fate)
{
    const char *id = loaded("Account", "insert", "",
                            "Name,NumberOfEmployees\nA,1\n,2\n\"C, \"\"c\"\"\",x\n", "JobComplete");
    CHECK_CONTAINS(results(id, "successfulResults"),
                   "\"sf__Id\",\"sf__Created\",\"Name\",\"NumberOfEmployees\"\n\"001");
    CHECK_CONTAINS(results(id, "successfulResults"), "\",\"true\",\"A\",\"1\"\n");
    CHECK_STR(results(id, "failedResults"),
              "\"sf__Id\",\"sf__Error\",\"Name\",\"NumberOfEmployees\"\n"
              "\"\",\"REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --\",\"\","
              "\"2\"\n"
              "\"\",\"INVALID_TYPE_ON_FIELD_IN_RECORD:Employees: value not of required type: "
              "x:NumberOfEmployees --\",\"C, \"\"c\"\"\",\"x\"\n");
    CHECK_STR(results(id, "unprocessedrecords"), "\"Name\",\"NumberOfEmployees\"\n");
    struct reply reply = job_call("GET", id, "", NULL);
    CHECK_INT(json_get_int(reply.json, "numberRecordsProcessed", -1), 3);
    CHECK_INT(json_get_int(reply.json, "numberRecordsFailed", -1), 2);
}

TEST(bulk, cells_are_read_by_the_type_of_their_field)
{
    const char *id = loaded("Contact", "insert", "",
                            "LastName,HasOptedOutOfEmail,Birthdate,EmailBouncedDate,Phone\n"
                            "A,1,2001-02-03,2020-01-01T10:00:00+02:00,#N/A\n"
                            "B,maybe,2001-02-03,,\n"
                            "C,FALSE,03.02.2001,,\n",
                            "JobComplete");
    CHECK_CONTAINS(results(id, "failedResults"), "value not of required type: maybe");
    CHECK_CONTAINS(results(id, "failedResults"), "value not of required type: 03.02.2001");
    CHECK_INT(soql_count("Contact WHERE LastName = 'A' AND Birthdate = 2001-02-03"), 1);
    CHECK_INT(soql_count("Contact WHERE EmailBouncedDate = 2020-01-01T08:00:00Z"), 1);
}

TEST(bulk, update_keeps_what_is_empty_and_clears_what_is_na)
{
    const char *account = given("Account", "{\"Name\":\"A\",\"Phone\":\"1\",\"Site\":\"s\"}");
    const char *id = loaded(
        "Account", "update", "",
        text_f("Id,Phone,Site\n%s,#N/A,\n001000000000001AAA,2,\n,3,\n", account), "JobComplete");
    CHECK_INT(soql_count("Account WHERE Phone = null AND Site = 's'"), 1);
    const char *failed = results(id, "failedResults");
    CHECK_CONTAINS(failed, "\"001000000000001AAA\",\"");
    CHECK_CONTAINS(failed, "MISSING_ARGUMENT:Id not specified in an update call:--");
}

TEST(bulk, parents_are_named_by_their_keys)
{
    const char *id =
        loaded("Task", "insert", "",
               "Subject,Owner.Username\none,admin@localorg.example\ntwo,nobody@localorg.example\n",
               "JobComplete");
    CHECK_CONTAINS(results(id, "successfulResults"), "\"one\",\"admin@localorg.example\"");
    CHECK_CONTAINS(results(id, "failedResults"),
                   "INVALID_FIELD:Foreign key external ID: nobody@localorg.example not found for "
                   "field Username in entity User:--");
    given("Contact", "{\"LastName\":\"L\",\"Email\":\"l@x.example\"}");
    id = loaded("Task", "insert", "", "Subject,Contact:Who.Email\nmail,l@x.example\n",
                "JobComplete");
    CHECK_STR(soql_one("SELECT Who.Name FROM Task WHERE Subject = 'mail'", "Who.Name"), "L");
    loaded("Task", "insert", "", "Subject,Who.Email\nx,l@x.example\n", "Failed");
    loaded("Contact", "insert", "", "LastName,Account:Account.Id\nx,1\n", "Failed");
}

TEST(bulk, a_file_that_is_not_what_the_job_said_fails_it)
{
    const char *id = loaded("Account", "insert", "", "Name,Nope\nA,1\n", "Failed");
    CHECK_STR(failure_of(id), "InvalidBatch : Field name not found : Nope");
    CHECK_STR(results(id, "unprocessedrecords"), "\"Name\",\"Nope\"\n\"A\",\"1\"\n");
    id = loaded("Account", "insert", "", "Name\r\nA\r\n", "Failed");
    CHECK_STR(failure_of(id), "ClientInputError : LineEnding is invalid on user data. Current "
                              "LineEnding setting is LF");
    CHECK_STR(results(id, "unprocessedrecords"), "\"Name\"\n\"A\"\n");
    id = loaded("Account", "insert", ",\"lineEnding\":\"CRLF\"", "Name\nA\n", "Failed");
    CHECK_CONTAINS(failure_of(id), "setting is CRLF");
    id = loaded("Account", "insert", "", "\xef\xbb\xbfName\nA\n", "Failed");
    CHECK_STR(failure_of(id), "InvalidBatch : Field name not found : \xef\xbb\xbfName");
    id = loaded("Account", "insert", "", "Name,Phone\nA\n", "Failed");
    CHECK_CONTAINS(failure_of(id), "InvalidBatch : Row 1 has 1 columns, the header has 2");
    id = loaded("Account", "insert", "", "Name\n\"A\n", "Failed");
    CHECK_CONTAINS(failure_of(id), "InvalidBatch : Failed to parse CSV.");
    id = loaded("Account", "insert", "", "", "Failed");
    CHECK_STR(results(id, "failedResults"), "");
    id = loaded("Account", "delete", "", "Id,Name\nx,y\n", "Failed");
    id = loaded("Account", "insert", "", "Name,name\nx,y\n", "Failed");
    CHECK_INT(soql_count("Account"), 0);
}

TEST(bulk, delimiters_and_line_ends_hold_for_results_too)
{
    const char *id =
        loaded("Account", "insert", ",\"columnDelimiter\":\"TAB\",\"lineEnding\":\"CRLF\"",
               "Name\tPhone\r\nA\t1\r\n", "JobComplete");
    CHECK_STR(results(id, "unprocessedrecords"), "\"Name\"\t\"Phone\"\r\n");
    CHECK_CONTAINS(results(id, "successfulResults"), "\t\"true\"\t\"A\"\t\"1\"\r\n");
    struct reply reply = ask("POST", INGEST,
                             "{\"object\":\"Account\",\"operation\":\"insert\","
                             "\"columnDelimiter\":\"DOT\"}");
    CHECK_STR(error_code(&reply), "INVALIDJOB");
}

TEST(bulk, upsert_and_both_deletes)
{
    const char *id =
        loaded("Account", "upsert", ",\"externalIdFieldName\":\"Id\"",
               text_f("Id,Name\n%s,B\n", given("Account", "{\"Name\":\"A\"}")), "JobComplete");
    CHECK_CONTAINS(results(id, "successfulResults"), "\",\"false\",\"001");
    CHECK_INT(soql_count("Account WHERE Name = 'B'"), 1);
    const char *account = soql_one("SELECT Id FROM Account", "Id");
    loaded("Account", "delete", "", text_f("Id\n%s\n", account), "JobComplete");
    CHECK_INT(soql_count("Account"), 0);
    struct reply all = ask("GET", V "/queryAll?q=SELECT+Id+FROM+Account", NULL);
    CHECK_INT(json_get_int(all.json, "totalSize", -1), 1);
    loaded("Account", "hardDelete", "", text_f("Id\n%s\n", given("Account", "{\"Name\":\"gone\"}")),
           "JobComplete");
    all = ask("GET", V "/queryAll?q=SELECT+Id+FROM+Account", NULL);
    CHECK_INT(json_get_int(all.json, "totalSize", -1), 1);
}

TEST(bulk, a_job_moves_one_way)
{
    const char *id = loaded("Account", "insert", "", "Name\nA\n", "JobComplete");
    struct reply reply = job_call("PATCH", id, "", "{\"state\":\"UploadComplete\"}");
    CHECK_STR(error_code(&reply), "INVALIDJOBSTATE");
    reply = job_call("PATCH", id, "", "{\"state\":\"Aborted\"}");
    CHECK_CONTAINS(reply.text, "Aborting already Completed Job not allowed");
    reply = job_call("PUT", id, "/batches", "Name\n");
    CHECK_STR(error_code(&reply), "INVALIDJOBSTATE");
    reply = job_call("DELETE", id, "", NULL);
    CHECK_INT(reply.status, 204);
    reply = job_call("GET", id, "", NULL);
    CHECK_INT(reply.status, 404);

    id = open_job("{\"object\":\"Account\",\"operation\":\"insert\"}");
    reply = job_call("DELETE", id, "", NULL);
    CHECK_STR(error_code(&reply), "INVALIDJOBSTATE");
    reply = job_call("GET", id, "/successfulResults", NULL);
    CHECK_INT(reply.status, 400);
    job_call("PUT", id, "/batches", "Name\nnever\n");
    reply = job_call("PUT", id, "/batches", "Name\nnever\n");
    CHECK_STR(error_code(&reply), "CLIENTINPUTERROR");
    reply = job_call("PATCH", id, "", "{\"state\":\"Aborted\"}");
    CHECK_STR(text_of(&reply, "state"), "Aborted");
    CHECK_STR(results(id, "unprocessedRecords"), "\"Name\"\n\"never\"\n");
    CHECK_INT(soql_count("Account WHERE Name = 'never'"), 0);
}

TEST(bulk, polls_can_be_slow_and_jobs_can_stop_half_way)
{
    struct buf csv = BUF_INIT;
    buf_str(&csv, "Name\n");
    for (int i = 0; i < 450; i++)
        buf_printf(&csv, "N%d\n", i);
    policy("\"bulk_polls\":2,\"bulk_fail_after\":200");
    const char *id = open_job("{\"object\":\"Account\",\"operation\":\"insert\"}");
    policy("\"bulk_polls\":0,\"bulk_fail_after\":0");
    job_call("PUT", id, "/batches", buf_text(&csv));
    job_call("PATCH", id, "", "{\"state\":\"UploadComplete\"}");
    struct reply reply = job_call("GET", id, "", NULL);
    CHECK_STR(text_of(&reply, "state"), "UploadComplete");
    reply = job_call("GET", id, "", NULL);
    CHECK_STR(text_of(&reply, "state"), "InProgress");
    CHECK_INT(soql_count("Account"), 0);
    reply = finished(text_f(INGEST "/%s", id));
    CHECK_STR(text_of(&reply, "state"), "Failed");
    CHECK_INT(json_get_int(reply.json, "numberRecordsProcessed", 0), 200);
    CHECK_INT(soql_count("Account"), 200);
    CHECK_CONTAINS(results(id, "unprocessedrecords"), "\"N449\"\n");
    CHECK_LACKS(results(id, "unprocessedrecords"), "\"N199\"\n");
    buf_free(&csv);
}

TEST(bulk, faults_of_the_closing_request_meet_its_rows)
{
    const char *account = given("Account", "{\"Name\":\"A\"}");
    ask("POST", "/localorg/faults",
        text_f("{\"effect\":\"lock_rows\",\"path\":\"/jobs/ingest\",\"ids\":[\"%s\"]}", account));
    const char *id =
        loaded("Account", "update", "", text_f("Id,Name\n%s,B\n", account), "JobComplete");
    CHECK_CONTAINS(results(id, "failedResults"), "UNABLE_TO_LOCK_ROW:unable to obtain exclusive");
}

TEST(bulk, allowances_are_counted)
{
    loaded("Account", "insert", "", "Name\nA\n", "JobComplete");
    struct reply reply = ask("GET", V "/limits", NULL);
    CHECK_STR(json_text(json_path(reply.json, "DailyBulkApiBatches.Remaining")), "14999");
    ask("POST", "/localorg/limits", "{\"bulk_daily_batches\":1,\"bulk_daily_query_jobs\":0}");
    const char *id = loaded("Account", "insert", "", "Name\nB\n", "Failed");
    CHECK_CONTAINS(failure_of(id), "ExceededQuota");
    reply = ask("POST", QUERY, "{\"operation\":\"query\",\"query\":\"SELECT Id FROM Account\"}");
    CHECK_STR(error_code(&reply), "EXCEEDEDQUOTA");
}

TEST(bulk, lists_and_refusals)
{
    loaded("Account", "insert", "", "Name\nA\n", "JobComplete");
    struct reply reply = ask("GET", INGEST "?jobType=V2Ingest", NULL);
    CHECK_INT(json_get(reply.json, "records")->len, 1);
    CHECK(json_get_bool(reply.json, "done", false));
    reply = ask("GET", INGEST "?jobType=Classic", NULL);
    CHECK_INT(json_get(reply.json, "records")->len, 0);
    reply = ask("POST", INGEST, "{\"object\":\"Nope\",\"operation\":\"insert\"}");
    CHECK_CONTAINS(reply.text, "Entity 'Nope' is not supported by the Bulk API.");
    reply = ask("POST", INGEST, "{\"object\":\"Account\",\"operation\":\"upsert\"}");
    CHECK_STR(error_code(&reply), "INVALIDJOB");
    reply = ask("POST", INGEST, "{\"object\":\"Account\",\"operation\":\"query\"}");
    CHECK_STR(error_code(&reply), "INVALIDOPERATION");
    reply = ask("GET", INGEST "/750000000000001AAA", NULL);
    CHECK_INT(reply.status, 404);
    struct reply token =
        ask("POST", "/localorg/token", "{\"username\":\"sales@localorg.example\"}");
    reply = ask_as(text_f("Bearer %s", json_get_text(token.json, "access_token")), "GET", INGEST,
                   NULL, NULL, NULL);
    CHECK_INT(json_get(reply.json, "records")->len, 0); /* somebody else's */
}

TEST(bulk, a_reset_forgets_jobs_and_stops_work)
{
    const char *id = open_job("{\"object\":\"Account\",\"operation\":\"insert\"}");
    struct buf csv = BUF_INIT;
    buf_str(&csv, "Name\n");
    for (int i = 0; i < 20000; i++)
        buf_printf(&csv, "N%d\n", i);
    job_call("PUT", id, "/batches", buf_text(&csv));
    job_call("PATCH", id, "", "{\"state\":\"UploadComplete\"}");
    struct reply reply = ask("POST", "/localorg/reset", "{}");
    CHECK_INT(reply.status, 200);
    reply = ask("POST", "/localorg/token", "{}");
    reply = ask_as(text_f("Bearer %s", json_get_text(reply.json, "access_token")), "GET",
                   text_f(INGEST "/%s", id), NULL, NULL, NULL);
    CHECK_INT(reply.status, 404);
    buf_free(&csv);
}

/* --- query --- */

static const char *queried(const char *body)
{
    struct reply reply = ask("POST", QUERY, body);
    CHECK_INT(reply.status, 200);
    const char *id = text_of(&reply, "id");
    CHECK_STR(text_of(&reply, "state"), "UploadComplete");
    reply = finished(text_f(QUERY "/%s", id));
    CHECK_STR(text_of(&reply, "state"), "JobComplete");
    return id;
}

TEST(bulk, a_query_becomes_csv)
{
    given("Account", "{\"Name\":\"A \\\"q\\\"\",\"AnnualRevenue\":12.5}");
    const char *id = queried("{\"operation\":\"query\",\"query\":\"SELECT Name, AnnualRevenue, "
                             "Parent.Name, IsDeleted, CreatedDate FROM Account\"}");
    struct reply reply = ask("GET", text_f(QUERY "/%s/results", id), NULL);
    CHECK(text_starts(reply.text, "\"Name\",\"AnnualRevenue\",\"Parent.Name\",\"IsDeleted\","
                                  "\"CreatedDate\"\n\"A \"\"q\"\"\",\"12.5\",\"\",\"false\",\"2"));
    CHECK(text_ends(reply.text, ".000Z\"\n"));
    CHECK_STR(reply_header(&reply, "Sforce-Locator"), "null");
    CHECK_STR(reply_header(&reply, "Sforce-NumberOfRecords"), "1");
    id = queried("{\"operation\":\"query\",\"query\":\"SELECT Id FROM Contact\"}");
    reply = ask("GET", text_f(QUERY "/%s/results", id), NULL);
    CHECK_STR(reply.text, "\"Id\"\n");
}

TEST(bulk, pages_of_a_query_agree)
{
    struct buf csv = BUF_INIT;
    buf_str(&csv, "Name,Description\n");
    for (int i = 0; i < 2345; i++)
        buf_printf(&csv, "N%05d,\"two\nlines, \"\"%d\"\"\"\n", i, i);
    loaded("Account", "insert", "", buf_text(&csv), "JobComplete");
    const char *id = queried("{\"operation\":\"query\",\"query\":\"SELECT Name, Description FROM "
                             "Account ORDER BY Name\"}");
    struct reply reply = ask("GET", text_f(QUERY "/%s/results?maxRecords=1100", id), NULL);
    CHECK_STR(reply_header(&reply, "Sforce-Locator"), "MTEwMA"); /* 1100 */
    reply = ask("GET", text_f(QUERY "/%s/results?maxRecords=1100&locator=MTEwMA", id), NULL);
    CHECK(text_starts(reply.text, "\"Name\",\"Description\"\n\"N01100\",\"two\nlines, "
                                  "\"\"1100\"\"\"\n\"N01101\""));
    CHECK_CONTAINS(reply.text, "\n\"N02199\",");
    CHECK_LACKS(reply.text, "\n\"N02200\",");
    reply = ask("GET", text_f(QUERY "/%s/results?maxRecords=1100&locator=MjIwMA", id), NULL);
    CHECK_STR(reply_header(&reply, "Sforce-NumberOfRecords"), "145");
    CHECK_STR(reply_header(&reply, "Sforce-Locator"), "null");
    CHECK_CONTAINS(reply.text, "\n\"N02344\",");
    reply = ask("GET", text_f(QUERY "/%s/results?locator=OTk5OTk", id), NULL);
    CHECK_INT(reply.status, 400);
    reply = ask("GET", text_f(QUERY "/%s/resultPages?maxRecords=1000", id), NULL);
    CHECK_INT(json_get(reply.json, "resultPages")->len, 3);
    CHECK(json_get_bool(reply.json, "done", false));
    reply = ask("GET", text_f("/services/data/v65.0/jobs/query/%s/results", id), NULL);
    CHECK_INT(reply.status, 409);
    buf_free(&csv);
}

TEST(bulk, queries_bulk_cannot_do)
{
    static const char *const refused[][2] = {
        {"SELECT COUNT() FROM Account", "FEATURENOTENABLED"},
        {"SELECT Name, COUNT(Id) FROM Account GROUP BY Name", "FEATURENOTENABLED"},
        {"SELECT Id, (SELECT Id FROM Contacts) FROM Account", "FEATURENOTENABLED"},
        {"SELECT BillingAddress FROM Account", "FEATURENOTENABLED"},
        {"SELECT Id FROM Account LIMIT 3 OFFSET 2", "FEATURENOTENABLED"},
        {"SELECT TYPEOF What WHEN Account THEN Name END FROM Task", "FEATURENOTENABLED"},
        {"SELECT Id FROM CaseStatus", "INVALIDENTITY"},
        {"SELECT Nope FROM Account", "INVALID_FIELD"},
        {"SELECT", "MALFORMED_QUERY"},
        {"", "INVALIDJOB"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct reply reply =
            ask("POST", QUERY, text_f("{\"operation\":\"query\",\"query\":\"%s\"}", refused[i][0]));
        CHECK_INT(reply.status, 400);
        CHECK_STR(error_code(&reply), refused[i][1]);
    }
}

/* --- Bulk API 1 --- */

#define A1 "/services/async/66.0/job"

static const char *xml_of(const struct reply *reply, const char *name)
{
    const char *open = text_f("<%s>", name), *at = strstr(reply->text, open);
    return at ? text_f("%.*s", (int)strcspn(at + strlen(open), "<"), at + strlen(open)) : "";
}

static struct reply session_ask(const char *method, const char *path, const char *body)
{
    return ask_as(NULL, method, path, body, "X-SFDC-Session", admin_token);
}

static const char *v1_job(const char *operation, const char *object)
{
    struct reply reply = session_ask(
        "POST", A1,
        text_f("<?xml version=\"1.0\"?><jobInfo><operation>%s</operation><object>%s</object>"
               "<contentType>CSV</contentType></jobInfo>",
               operation, object));
    CHECK_INT(reply.status, 201);
    CHECK_STR(xml_of(&reply, "state"), "Open");
    return xml_of(&reply, "id");
}

static const char *v1_batch(const char *job, const char *body)
{
    struct reply reply = session_ask("POST", text_f(A1 "/%s/batch", job), body);
    CHECK_INT(reply.status, 201);
    CHECK_STR(xml_of(&reply, "state"), "Queued");
    const char *batch = text_f(A1 "/%s/batch/%s", job, xml_of(&reply, "id")), *state;
    do {
        reply = session_ask("GET", batch, NULL);
        state = xml_of(&reply, "state");
    } while (strcmp(state, "Queued") == 0 || strcmp(state, "InProgress") == 0);
    return batch;
}

TEST(bulk, version_1_answers_in_input_order)
{
    const char *job = v1_job("insert", "Account");
    const char *batch = v1_batch(job, "Name,Phone\r\nA,1\r\n,2\r\nC,3\r\n");
    struct reply reply = session_ask("GET", text_f("%s/result", batch), NULL);
    CHECK(text_starts(reply.text, "\"Id\",\"Success\",\"Created\",\"Error\"\n\"001"));
    CHECK_CONTAINS(reply.text, "\"\",\"false\",\"false\",\"REQUIRED_FIELD_MISSING:Required fields "
                               "are missing: [Name]:Name --\"\n\"001");
    reply = session_ask("GET", text_f("%s/request", batch), NULL);
    CHECK_STR(reply.text, "Name,Phone\r\nA,1\r\n,2\r\nC,3\r\n");
    reply = session_ask("POST", text_f(A1 "/%s", job), "<jobInfo><state>Closed</state></jobInfo>");
    CHECK_STR(xml_of(&reply, "state"), "Closed");
    CHECK_STR(xml_of(&reply, "numberBatchesCompleted"), "1");
    CHECK_STR(xml_of(&reply, "numberRecordsFailed"), "1");
    reply = session_ask("POST", text_f(A1 "/%s/batch", job), "Name\nx\n");
    CHECK_STR(xml_of(&reply, "exceptionCode"), "InvalidJobState");
    reply = session_ask("GET", text_f(A1 "/%s/batch", job), NULL);
    CHECK_CONTAINS(reply.text, "<batchInfoList");
    CHECK_STR(xml_of(&reply, "state"), "Completed");
}

TEST(bulk, version_1_queries)
{
    given("Account", "{\"Name\":\"A & B\"}");
    const char *batch = v1_batch(v1_job("query", "Account"), "SELECT Name FROM Account");
    struct reply reply = session_ask("GET", text_f("%s/result", batch), NULL);
    const char *result = xml_of(&reply, "result");
    CHECK(text_starts(result, "752"));
    reply = session_ask("GET", text_f("%s/result/%s", batch, result), NULL);
    CHECK_STR(reply.text, "\"Name\"\n\"A & B\"\n");
}

TEST(bulk, version_1_speaks_xml_when_it_refuses)
{
    struct reply reply = ask_as(NULL, "GET", A1 "/750000000000001AAA", NULL, "X-SFDC-Session", "x");
    CHECK_INT(reply.status, 400);
    CHECK_STR(xml_of(&reply, "exceptionCode"), "InvalidSessionId");
    reply = session_ask("GET", A1 "/750000000000001AAA", NULL);
    CHECK_STR(xml_of(&reply, "exceptionCode"), "InvalidJob");
    reply = session_ask("POST", A1, "<jobInfo><object>Account</object></jobInfo>");
    CHECK_STR(xml_of(&reply, "exceptionCode"), "InvalidJob");
    reply = session_ask("POST", A1,
                        "<jobInfo><operation>insert</operation><object>Account</object>"
                        "<contentType>ZIP_CSV</contentType></jobInfo>");
    CHECK_CONTAINS(xml_of(&reply, "exceptionMessage"), "not of ZIP_CSV");
    reply = ask_as(text_f("Bearer %s", admin_token), "POST", A1,
                   "<jobInfo><operation>query</operation><object>Account</object></jobInfo>",
                   "Sforce-Enable-PKChunking", "chunkSize=1000");
    CHECK_INT(reply.status, 400);
    CHECK_CONTAINS(xml_of(&reply, "exceptionMessage"), "PK chunking");
    reply = session_ask("POST", "/services/async/12.0/job", "");
    CHECK_STR(xml_of(&reply, "exceptionCode"), "InvalidVersion");
    const char *job = v1_job("insert", "Account");
    const char *batch = v1_batch(job, "Name,Nope__c\nA,1\n");
    reply = session_ask("GET", batch, NULL);
    CHECK_STR(xml_of(&reply, "state"), "Failed");
    CHECK_STR(xml_of(&reply, "stateMessage"), "InvalidBatch : Field name not found : Nope__c");
    reply = session_ask("POST", text_f(A1 "/%s", job), "<jobInfo><state>Aborted</state></jobInfo>");
    CHECK_STR(xml_of(&reply, "state"), "Aborted");
}

static const char *json_job(const char *settings)
{
    struct reply reply = session_ask(
        "POST", A1, text_f("{\"object\":\"Account\",\"contentType\":\"JSON\",%s}", settings));
    CHECK_INT(reply.status, 201);
    CHECK_STR(text_of(&reply, "state"), "Open");
    CHECK_STR(text_of(&reply, "contentType"), "JSON");
    return text_of(&reply, "id");
}

static const char *json_batch(const char *job, const char *body)
{
    struct reply reply = session_ask("POST", text_f(A1 "/%s/batch", job), body);
    CHECK_INT(reply.status, 201);
    CHECK_STR(text_of(&reply, "state"), "Queued");
    const char *batch = text_f(A1 "/%s/batch/%s", job, text_of(&reply, "id")), *state;
    do {
        reply = session_ask("GET", batch, NULL);
        state = text_of(&reply, "state");
    } while (strcmp(state, "Queued") == 0 || strcmp(state, "InProgress") == 0);
    return batch;
}

TEST(bulk, version_1_takes_json)
{
    static const char rows[] = "[{\"Name\":\"A, \\\"Inc\\\"\\nB\",\"NumberOfEmployees\":5},"
                               "{\"attributes\":{\"type\":\"Account\"},\"Phone\":\"2\"},"
                               "{\"name\":\"C\",\"Phone\":null,"
                               "\"Owner\":{\"Username\":\"admin@localorg.example\"}}]";
    const char *job = json_job("\"operation\":\"insert\",\"concurrencyMode\":\"Serial\"");
    const char *batch = json_batch(job, rows);
    struct reply reply = session_ask("GET", text_f("%s/result", batch), NULL);
    CHECK_CONTAINS(reply_header(&reply, "Content-Type"), "application/json");
    CHECK_CONTAINS(reply.text, "[{\"success\":true,\"created\":true,\"id\":\"001");
    CHECK_STR(json_get_text(json_path(reply.json, "[1].errors[0]"), "statusCode"),
              "REQUIRED_FIELD_MISSING");
    CHECK_STR(json_text(json_path(reply.json, "[1].errors[0].fields[0]")), "Name");
    CHECK(json_get_bool(json_at(reply.json, 2), "success", false));
    CHECK_STR(soql_one("SELECT Name FROM Account WHERE NumberOfEmployees = 5", "Name"),
              "A, \"Inc\"\nB");
    reply = session_ask("GET", text_f("%s/request", batch), NULL);
    CHECK_STR(reply.text, rows);
    reply = session_ask("POST", text_f(A1 "/%s", job), "{\"state\":\"Closed\"}");
    CHECK_STR(text_of(&reply, "state"), "Closed");
    CHECK_STR(text_of(&reply, "concurrencyMode"), "Serial");
    CHECK_INT(json_get_int(reply.json, "numberRecordsFailed", -1), 1);
    reply = session_ask("GET", text_f(A1 "/%s/batch", job), NULL);
    CHECK_STR(json_get_text(json_path(reply.json, "batchInfo[0]"), "state"), "Completed");
}

TEST(bulk, version_1_json_says_null_and_says_nothing)
{
    const char *a = given("Account", "{\"Name\":\"A\",\"Phone\":\"1\",\"Site\":\"s\"}");
    const char *b = given("Account", "{\"Name\":\"B\",\"Phone\":\"2\",\"Site\":\"t\"}");
    json_batch(json_job("\"operation\":\"update\""),
               text_f("[{\"Id\":\"%s\",\"Phone\":null},{\"Id\":\"%s\",\"Site\":\"u\"}]", a, b));
    CHECK_STR(soql_one("SELECT Name FROM Account WHERE Phone = null AND Site = 's'", "Name"), "A");
    CHECK_STR(soql_one("SELECT Name FROM Account WHERE Phone = '2' AND Site = 'u'", "Name"), "B");
}

TEST(bulk, version_1_json_queries_count_milliseconds)
{
    ask("POST", "/localorg/clock", "{\"to\":\"2027-03-03T20:00:00Z\"}");
    struct reply token = ask("POST", "/localorg/token", "{}"); /* the old one is idle by now */
    admin_token = json_get_text(token.json, "access_token");
    given("Opportunity",
          "{\"Name\":\"O\",\"StageName\":\"Prospecting\",\"CloseDate\":\"2027-01-02\"}");
    const char *batch = json_batch(json_job("\"operation\":\"query\""),
                                   "SELECT Name, CloseDate, CreatedDate, Amount, Account.Name,"
                                   " Owner.Username FROM Opportunity");
    struct reply reply = session_ask("GET", text_f("%s/result", batch), NULL);
    const char *result = json_text(json_at(reply.json, 0));
    CHECK(text_starts(result, "752"));
    reply = session_ask("GET", text_f("%s/result/%s", batch, result), NULL);
    const struct json *row = json_at(reply.json, 0);
    CHECK_STR(json_get_text(json_get(row, "attributes"), "type"), "Opportunity");
    CHECK_INT(json_get_int(row, "CloseDate", 0), 1798848000000);
    CHECK_INT(json_get_int(row, "CreatedDate", 0) / 60000, 1804104000000 / 60000);
    CHECK(json_is(json_get(row, "Amount"), JSON_NULL));
    CHECK(json_is(json_get(row, "Account"), JSON_NULL));
    CHECK_STR(json_get_text(json_get(row, "Owner"), "Username"), "admin@localorg.example");
    batch = json_batch(json_job("\"operation\":\"query\""), "SELECT Id FROM Lead");
    reply = session_ask("GET", text_f("%s/result", batch), NULL);
    reply =
        session_ask("GET", text_f("%s/result/%s", batch, json_text(json_at(reply.json, 0))), NULL);
    CHECK_STR(reply.text, "[]");
}

TEST(bulk, version_1_refuses_json_that_is_no_list_of_records)
{
    static const char *const bad[] = {"[{\"Name\":\"A\"", "{\"Name\":\"A\"}", "[1]",
                                      "[{\"Name\":[\"A\"]}]",
                                      "[{\"Owner\":{\"Username\":\"a\",\"Email\":\"b\"}}]"};
    const char *job = json_job("\"operation\":\"insert\"");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct reply reply = session_ask("POST", text_f(A1 "/%s/batch", job), bad[i]);
        CHECK_INT(reply.status, 400);
        CHECK_STR(text_of(&reply, "exceptionCode"), "InvalidBatch");
    }
    struct reply reply = session_ask("POST", A1, "{\"operation\":");
    CHECK_STR(text_of(&reply, "exceptionCode"), "InvalidJob");
    const char *empty = json_batch(job, "[]");
    reply = session_ask("GET", empty, NULL);
    CHECK_STR(text_of(&reply, "state"), "Failed");
}
