/* journal_floor.c - the least that SQLite takes for a journal of argil's shape: stands beside
 * the journal's cost in ./dev bench push.
 *
 *     journal_floor FILE COUNT
 *
 * FILE is a new workspace's database: its tables and indexes are those of argil. For COUNT creates
 * with look-up by e-mail it does what the journal does, with statements that are prepared once
 * and values that are made beforehand, a thousand in a transaction: plan (ops), mark as sent, settle
 * (ops, three fields of `written`, a line of `audit`). No hash, no JSON, no check, no cell: nothing
 * but SQLite. Prints the microseconds of CPU an operation, of each step, as one line of JSON. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH 1000

static sqlite3 *db;

static void die(const char *what)
{
    fprintf(stderr, "journal_floor: %s: %s\n", what, sqlite3_errmsg(db));
    exit(1);
}

static void run_sql(const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        die(sql);
}

static sqlite3_stmt *prepared(const char *sql)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
        die(sql);
    return stmt;
}

static void text(sqlite3_stmt *stmt, int at, const char *value)
{
    sqlite3_bind_text(stmt, at, value, -1, SQLITE_STATIC);
}

static void done(sqlite3_stmt *stmt)
{
    if (sqlite3_step(stmt) != SQLITE_DONE)
        die(sqlite3_sql(stmt));
    sqlite3_reset(stmt);
}

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* ------------------------------------------------------------------ an operation */

struct made {
    char key[37], mail[48], payload[200], hash[65], record[24];
};

/* Like those of argil: keys begin with the row's number, hashes and addresses come in no order. */
static void make(struct made *m, long n)
{
    unsigned long long mixed = (unsigned long long)n * 0x9E3779B97F4A7C15ULL;
    unsigned long long more = mixed * 0xBF58476D1CE4E5B9ULL;
    snprintf(m->key, sizeof m->key, "%08lx-%04llx-8%03llx-8%03llx-%012llx", n & 0xFFFFFFFF,
             mixed >> 16 & 0xFFFF, mixed >> 4 & 0xFFF, more & 0xFFF, more >> 16);
    snprintf(m->mail, sizeof m->mail, "person.%llx@bench.example", mixed >> 24);
    snprintf(m->payload, sizeof m->payload,
             "{\"LastName\":\"Account %ld\",\"Company\":\"Account %ld\",\"Email\":\"%s\"}", n, n,
             m->mail);
    snprintf(m->hash, sizeof m->hash, "%016llx%016llx%016llx%016llx", mixed, more, ~mixed, ~more);
    snprintf(m->record, sizeof m->record, "00Q%015ld", n);
}

static sqlite3_stmt *plan, *mark, *settle, *written, *audit;

static void prepare(void)
{
    plan = prepared(
        "INSERT INTO ops(op_key,org_id,connection_id,table_id,row_id,column_id,run_id,generation,"
        "kind,object,key_field,key_value,target_id,payload,payload_sha256,before,mode,epoch,"
        "not_before_ms,created_ms,base_stamp,settings,priority,state)"
        " VALUES(?1,'00D000000000001EAA',1,1,?2,30,1,1,1,'Lead','Email',?3,NULL,?4,?5,NULL,1,1,0,"
        "1795980000000,NULL,NULL,0,0)");
    mark = prepared("UPDATE ops SET state=1,attempt=attempt+1,epoch=1,sent_ms=1795980000001,"
                    "deadline_ms=1795980120001,ticket=NULL,base_stamp=coalesce(NULL,base_stamp)"
                    " WHERE id=?1 AND state=0 AND attempt=0");
    settle = prepared("UPDATE ops SET is_open=0,state=6,result_id=coalesce(?2,result_id),"
                      "result_stamp=coalesce(NULL,result_stamp),evidence=?3,error_code=NULL,"
                      "error_message=NULL,adopted=max(adopted,0),not_before_ms=0,"
                      "done_ms=1795980000200 WHERE id=?1 AND state=1 AND epoch=1");
    written = prepared("INSERT INTO written(org_id,record_id,op_id,stamp,field,value,number) VALUES"
                       "('00D000000000001EAA',?1,?2,NULL,'LastName',?3,0),"
                       "('00D000000000001EAA',?1,?2,NULL,'Company',?3,0),"
                       "('00D000000000001EAA',?1,?2,NULL,'Email',?4,0)"
                       " ON CONFLICT(org_id,record_id,field) DO UPDATE SET value=excluded.value,"
                       "number=excluded.number,op_id=excluded.op_id,stamp=excluded.stamp,seen=0");
    audit = prepared("INSERT INTO audit(id,at_ms,who,what,detail,prev,hash)"
                     " VALUES(?1,1795980000200,'argil','created',?2,?3,?3)");
}

static void plan_one(const struct made *m, long n)
{
    text(plan, 1, m->key);
    sqlite3_bind_int64(plan, 2, n);
    text(plan, 3, m->mail);
    text(plan, 4, m->payload);
    text(plan, 5, m->hash);
    done(plan);
}

static void settle_one(const struct made *m, long n)
{
    sqlite3_bind_int64(settle, 1, n);
    text(settle, 2, m->record);
    text(settle, 3, "{\"status\":201}");
    done(settle);
    text(written, 1, m->record);
    sqlite3_bind_int64(written, 2, n);
    text(written, 3, m->mail);
    text(written, 4, m->mail);
    done(written);
    sqlite3_bind_int64(audit, 1, 1000000 + n);
    text(audit, 2, m->payload);
    text(audit, 3, m->hash);
    done(audit);
}

int main(int argc, char **argv)
{
    static struct made made[BATCH];
    double took[3] = {0};
    long count = argc == 3 ? strtol(argv[2], NULL, 10) / BATCH * BATCH : 0;
    if (!count || sqlite3_open(argv[1], &db) != SQLITE_OK) {
        fputs("usage: journal_floor FILE COUNT (thousands of them)\n", stderr);
        return 2;
    }
    run_sql("PRAGMA cache_size=-16384; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=2000");
    prepare();
    for (long first = 1; first <= count; first += BATCH) {
        for (long i = 0; i < BATCH; i++)
            make(&made[i], first + i);
        double at = cpu_us();
        for (int step = 0; step < 3; step++) {
            run_sql("BEGIN IMMEDIATE");
            for (long i = 0; i < BATCH; i++) {
                if (step == 0)
                    plan_one(&made[i], first + i);
                else if (step == 1) {
                    sqlite3_bind_int64(mark, 1, first + i);
                    done(mark);
                } else
                    settle_one(&made[i], first + i);
            }
            run_sql("COMMIT");
            double now = cpu_us();
            took[step] += now - at;
            at = now;
        }
    }
    double n = (double)count;
    printf("{\"operations\":%ld,\"plan\":%.2f,\"mark\":%.2f,\"settle\":%.2f,\"all\":%.2f}\n", count, took[0] / n,
           took[1] / n, took[2] / n, (took[0] + took[1] + took[2]) / n);
    return 0;
}
