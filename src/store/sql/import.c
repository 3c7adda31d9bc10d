/* import.c - one page of remote rows becomes ours, with its cursor, or not at all.
 *
 * Two ways in. A first load into an unkeyed sheet inserts, and nothing else: no
 * index is in the way, keys come in order. Everything else finds each row by its
 * key, compares slot by slot, and writes only what differs.
 *
 * What a row can be, exactly one of: stale (older than what we hold: left alone),
 * deleted, revived, added, changed, unchanged. So the counts add up to the rows.
 *
 * Due cells: a new row makes `due_for_new` due; a changed slot the columns of its
 * rules, unless the change is an echo (written.c). Rows removed and come back get
 * due_for_new again: their values are gone; the journal still knows their id, so
 * no write is repeated. */
#include "store/sql/sql_priv.h"

#include "base/json.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define FIXED_IN  6 /* rid, key, stamp, run, src, made come before the slots of an insert */
#define FIXED_OUT 5 /* rid, stamp, deleted, src, key before those of a find */

struct importer {
    struct sq *sq;
    const struct import_page *page;
    struct import_counts *counts;
    struct cell_writer cells;
    struct row_leaver leaver;
    struct echo echo;
    struct loop_guard loop;
    struct sq_stmt *find; /* the one that is on the present row: `single` or `ahead` */
    struct sq_stmt *single, *ahead; /* ahead: of all keys of the page, in their order; or NULL */
    const char *ahead_key, *last_key; /* where ahead stands, NULL = at its end; of the row before */
    struct sq_stmt *insert, *update, *touch;
    bool *changed; /* of each slot of the present row, echoes left out */
    int64_t next_rid, now_ms;
    int64_t live, held; /* changes: live rows of the table, and those the source holds */
    VEC(int64_t) fresh; /* row ids whose due_for_new is to be made due */
    const struct row_in **later; /* of a whole reading: new rows, which go in as they came; or NULL */
    size_t later_count;
    /* the row as we hold it */
    int64_t rid, src;
    int deleted;
    bool newer, holds;
};

/* ------------------------------------------------------------- statements */

static void put_slots(struct buf *sql, const struct import_page *page, const char *fmt)
{
    for (size_t i = 0; i < page->slot_count; i++) {
        buf_str(sql, ",");
        buf_printf(sql, "c%d", page->slots[i]);
        buf_str(sql, fmt);
    }
}

static struct sq_stmt *insert_stmt(struct importer *im, struct err *err)
{
    struct buf sql = BUF_INIT;
    buf_printf(&sql, "INSERT INTO t%lld(rid,key,stamp,run,src,made", (long long)im->page->table_id);
    put_slots(&sql, im->page, "");
    buf_str(&sql, ") VALUES(?,?,?,?,?,?");
    for (size_t i = 0; i < im->page->slot_count; i++)
        buf_str(&sql, ",?");
    buf_str(&sql, ")");
    struct sq_stmt *stmt = sq_stmt(im->sq, err, buf_text(&sql));
    buf_free(&sql);
    return stmt;
}

/* Of one key, or of a list of them. */
static struct sq_stmt *find_stmt(struct importer *im, bool all, struct err *err)
{
    struct buf sql = BUF_INIT;
    buf_str(&sql, "SELECT rid,stamp,deleted,src,t.key");
    put_slots(&sql, im->page, "");
    buf_printf(&sql, all ? " FROM json_each(?) l JOIN t%lld t ON t.key=l.value ORDER BY t.key"
                         : " FROM t%lld t WHERE t.key=?",
               (long long)im->page->table_id);
    struct sq_stmt *stmt = sq_stmt(im->sq, err, buf_text(&sql));
    buf_free(&sql);
    return stmt;
}

static struct sq_stmt *update_stmt(struct importer *im, struct err *err)
{
    struct buf sql = BUF_INIT;
    buf_printf(&sql, "UPDATE t%lld SET deleted=CASE WHEN deleted=%d THEN deleted ELSE 0 END,"
               "stamp=coalesce(?,stamp),run=?,src=src|%lld",
               (long long)im->page->table_id, SQ_MERGED, SQ_SOURCE_BIT(im->page->source));
    put_slots(&sql, im->page, "=?");
    buf_str(&sql, " WHERE rid=?");
    struct sq_stmt *stmt = sq_stmt(im->sq, err, buf_text(&sql));
    buf_free(&sql);
    return stmt;
}

static enum status prepare(struct importer *im, struct err *err)
{
    long long id = im->page->table_id;
    im->insert = insert_stmt(im, err);
    im->single = im->insert ? find_stmt(im, false, err) : NULL;
    im->update = im->single ? update_stmt(im, err) : NULL;
    im->touch =
        sq_stmtf(im->sq, err, "UPDATE t%lld SET stamp=coalesce(?,stamp),src=src|%lld WHERE rid=?",
                 id, SQ_SOURCE_BIT(im->page->source));
    if (!im->update || !im->touch ||
        row_leaver_open(&im->leaver, im->sq, id, im->page->source, im->page->when_deleted, err) !=
            OK)
        return FAIL;
    if (cell_writer_open(&im->cells, im->sq, id, NULL, 0, err) != OK)
        return FAIL;
    im->cells.history.by = HISTORY_BY_IMPORT;
    im->cells.history.run_id = im->leaver.history.run_id = im->page->run_id;
    return OK;
}

/* ------------------------------------------------------------------ rows */

static const char *record_of(const struct row_in *in)
{
    return in->record ? in->record : in->key;
}

static void note_repeat(struct importer *im, const struct row_in *in)
{
    const struct import_page *page = im->page;
    im->counts->repeats++;
    im->counts->unchanged++;
    if (page->repeated)
        page->repeated[in - page->rows] = true;
}

/* The present row was met. True when it was met before in this reading. */
static bool see(struct importer *im, const struct row_in *in)
{
    if (!im->page->seen || bits_put(im->page->seen, im->rid))
        return false;
    note_repeat(im, in);
    return true;
}

static enum status insert_row(struct importer *im, const struct row_in *in, struct err *err)
{
    struct sq_stmt *stmt = im->insert;
    im->rid = im->next_rid++;
    im->deleted = 0;
    sq_note_row(im->sq, im->page->table_id, im->rid);
    sq_int(stmt, 1, im->rid);
    sq_text(stmt, 2, in->key);
    sq_text(stmt, 3, in->stamp);
    sq_int(stmt, 4, im->page->run_id);
    sq_int(stmt, 5, SQ_SOURCE_BIT(im->page->source));
    sq_int(stmt, 6, im->now_ms);
    for (size_t i = 0; i < im->page->slot_count; i++)
        sq_value(stmt, (int)i + FIXED_IN + 1, in->values[i]);
    return sq_done(im->sq, stmt, err);
}

/* A row that comes back with a value that no page brings. */
static enum status take_stored_key(struct importer *im, struct err *err)
{
    struct deduper *d = &im->cells.dedupe;
    bool row;
    struct sq_stmt *stmt = sq_stmtf(im->sq, err, "SELECT c%d FROM t%lld WHERE rid=?", d->slot,
                                    (long long)im->page->table_id);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, im->rid);
    if (sq_row(im->sq, stmt, &row, err) != OK || !row)
        return FAIL;
    struct value held = sq_col_value(stmt, 0, im->sq->scratch);
    sq_reset(stmt);
    return deduper_take(d, im->rid, held, err);
}

/* The row's key among those of auto_dedupe, when the page brings its value. */
static enum status take_key(struct importer *im, const struct row_in *in, struct err *err)
{
    struct deduper *d = &im->cells.dedupe;
    for (size_t i = 0; d->on && i < im->page->slot_count; i++)
        if (im->page->slots[i] == d->slot)
            return deduper_take(d, im->rid, in->values[i], err);
    return d->on && im->deleted && im->deleted != SQ_MERGED ? take_stored_key(im, err) : OK;
}

static enum status add_row(struct importer *im, const struct row_in *in, struct err *err)
{
    bool ours;
    if (insert_row(im, in, err) != OK || take_key(im, in, err) != OK ||
        historian_row(&im->cells.history, im->rid, HISTORY_ADDED, err) != OK ||
        echo_made(&im->echo, record_of(in), &ours, err) != OK)
        return FAIL;
    im->counts->added++;
    im->live++;
    im->held++;
    see(im, in);
    if (ours)
        im->counts->echoes++;
    else if (im->page->due_for_new_count)
        vec_push(&im->fresh, im->rid);
    return OK;
}

/* The found row's slots against the incoming ones. */
static bool compare(struct importer *im, const struct row_in *in)
{
    bool any = false;
    for (size_t i = 0; i < im->page->slot_count; i++) {
        const char *text = sq_col_peek(im->find, (int)i + FIXED_OUT);
        struct value held = {text, sq_col_len(im->find, (int)i + FIXED_OUT)};
        im->changed[i] = !value_equal(held, in->values[i]);
        any |= im->changed[i];
    }
    return any;
}

/* What the row was, before it changes. */
static enum status remember(struct importer *im, const struct row_in *in, struct err *err)
{
    struct historian *h = &im->cells.history;
    if (!h->keep_ms)
        return OK;
    if (im->deleted && im->deleted != SQ_MERGED &&
        historian_row(h, im->rid, HISTORY_RETURNED, err) != OK)
        return FAIL;
    for (size_t i = 0; i < im->page->slot_count; i++)
        if (im->changed[i] &&
            historian_cell(h, im->rid, im->page->slots[i], in->values[i], err) != OK)
            return FAIL;
    return OK;
}

static enum status update_row(struct importer *im, const struct row_in *in, struct err *err)
{
    struct sq_stmt *stmt = im->update;
    int at = 3;
    if (remember(im, in, err) != OK)
        return FAIL;
    sq_note_row(im->sq, im->page->table_id, im->rid);
    sq_text(stmt, 1, in->stamp);
    sq_int(stmt, 2, im->page->run_id);
    for (size_t i = 0; i < im->page->slot_count; i++)
        sq_value(stmt, at++, in->values[i]);
    sq_int(stmt, at, im->rid);
    return sq_done(im->sq, stmt, err) == OK ? take_key(im, in, err) : FAIL;
}

/* Forgets the changes that are echoes; *only when there was nothing else. */
static enum status drop_echoes(struct importer *im, const struct row_in *in, bool *only,
                               struct err *err)
{
    bool is;
    *only = true;
    for (size_t i = 0; i < im->page->slot_count; i++) {
        if (!im->changed[i])
            continue;
        const char *field = im->page->fields ? im->page->fields[i] : NULL;
        if (echo_is(&im->echo, record_of(in), field, in->values[i], in->stamp, &is, err) != OK)
            return FAIL;
        im->changed[i] = !is;
        *only &= is;
    }
    return OK;
}

static bool slot_changed(const struct importer *im, int slot)
{
    for (size_t i = 0; i < im->page->slot_count; i++)
        if (im->page->slots[i] == slot)
            return im->changed[i];
    return false;
}

static enum status follow_rule(struct importer *im, const struct due_rule *rule, bool broken,
                               struct err *err)
{
    struct due_case c = {.update_existing = im->page->update_existing,
                         .table_auto = !im->page->table_off,
                         .keep_results = im->page->keep_results,
                         .column_auto = !rule->off};
    if (broken && !im->page->table_off && !rule->off)
        return cell_writer_refuse(&im->cells, rule->column_id, im->rid, ERR_LOOP, im->loop.message,
                                  err);
    return cell_writer_decide(&im->cells, rule->column_id, im->rid, &c, err);
}

/* The rules of one slot stand together or not; each slot is looked at once. */
static enum status make_due(struct importer *im, const struct row_in *in, struct err *err)
{
    bool broken = false, any = false;
    int looked = -1;
    for (size_t i = 0; i < im->page->due_for_change_count; i++) {
        const struct due_rule *rule = &im->page->due_for_change[i];
        if (!slot_changed(im, rule->slot))
            continue;
        if (rule->slot != looked &&
            loop_guard_look(&im->loop, im->rid, rule->slot, record_of(in), &broken, err) != OK)
            return FAIL;
        looked = rule->slot;
        any |= broken;
        if (follow_rule(im, rule, broken, err) != OK)
            return FAIL;
    }
    im->counts->loops += any;
    return OK;
}

static enum status change_row(struct importer *im, const struct row_in *in, struct err *err)
{
    bool only_echoes;
    if (update_row(im, in, err) != OK || drop_echoes(im, in, &only_echoes, err) != OK)
        return FAIL;
    im->counts->echoes += only_echoes;
    return make_due(im, in, err);
}

/* Nothing we hold changed; the record was touched elsewhere, or is new to this source. */
static enum status touch_row(struct importer *im, const char *stamp, struct err *err)
{
    if (im->holds && !stamp)
        return OK;
    sq_text(im->touch, 1, stamp);
    sq_int(im->touch, 2, im->rid);
    return sq_done(im->sq, im->touch, err);
}

static enum status delete_row(struct importer *im, const struct row_in *in, struct err *err)
{
    bool left;
    if (row_leave(&im->leaver, im->rid, im->deleted, im->src, in->stamp, &left, err) != OK)
        return FAIL;
    if (left)
        im->counts->deleted++;
    else
        im->counts->unchanged++;
    return OK;
}

static enum status made_anew(struct importer *im, struct err *err)
{
    struct sq_stmt *stmt = sq_stmtf(im->sq, err, "UPDATE t%lld SET made=?1 WHERE rid=?2",
                                    (long long)im->page->table_id);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, im->now_ms);
    sq_int(stmt, 2, im->rid);
    return sq_done(im->sq, stmt, err);
}

/* auto_delete took it away, and this reading knows of no change since. */
static bool stays_away(const struct importer *im)
{
    return im->deleted == SQ_TIDIED && im->page->seen && !im->newer;
}

static enum status revive_row(struct importer *im, const struct row_in *in, bool changed,
                              struct err *err)
{
    bool was_removed = im->deleted == 2 || im->deleted == SQ_TIDIED;
    im->counts->revived++;
    im->live++;
    if (was_removed && made_anew(im, err) != OK)
        return FAIL;
    if (was_removed) {
        if (im->page->due_for_new_count)
            vec_push(&im->fresh, im->rid);
        return update_row(im, in, err);
    }
    if (changed)
        return change_row(im, in, err);
    return update_row(im, in, err);
}

/* Older than what we hold; the source has the row all the same. */
static enum status stale_row(struct importer *im, const struct row_in *in, struct err *err)
{
    im->counts->stale++;
    if (in->deleted || (im->deleted && im->deleted != SQ_MERGED) || im->holds)
        return OK;
    im->held++;
    return touch_row(im, NULL, err);
}

static enum status merge_found(struct importer *im, const struct row_in *in, bool changed,
                               struct err *err)
{
    if (in->deleted)
        return delete_row(im, in, err);
    im->held += !im->holds;
    if (stays_away(im)) {
        im->counts->unchanged++;
        return OK;
    }
    if (im->deleted && im->deleted != SQ_MERGED)
        return revive_row(im, in, changed, err);
    if (!changed || !im->page->update_existing) {
        im->counts->unchanged++;
        return touch_row(im, im->newer && !changed ? in->stamp : NULL, err);
    }
    im->counts->changed++;
    return change_row(im, in, err);
}

/* The next row of `ahead`. */
static enum status step_ahead(struct importer *im, struct err *err)
{
    bool row;
    if (sq_row(im->sq, im->ahead, &row, err) != OK)
        return FAIL;
    im->ahead_key = row ? sq_col_peek(im->ahead, 4) : NULL;
    return OK;
}

/* The row with this key as it is now. A key that came before in this page is asked for anew. */
static enum status find_row(struct importer *im, const char *key, bool *row, struct err *err)
{
    bool again = text_eq(im->last_key, key);
    im->last_key = key;
    if (!im->ahead || again) {
        im->find = im->single;
        sq_text(im->find, 1, key);
        return sq_row(im->sq, im->find, row, err);
    }
    im->find = im->ahead;
    while (im->ahead_key && strcmp(im->ahead_key, key) < 0)
        if (step_ahead(im, err) != OK)
            return FAIL;
    *row = text_eq(im->ahead_key, key);
    return OK;
}

static enum status look_ahead(struct importer *im, const struct row_in *const *rows, size_t count,
                              struct err *err)
{
    struct buf keys = BUF_INIT;
    struct jw w;
    if (!(im->ahead = find_stmt(im, true, err)))
        return FAIL;
    jw_init(&w, &keys);
    jw_array(&w);
    for (size_t i = 0; i < count; i++)
        if (!i || strcmp(rows[i - 1]->key, rows[i]->key) != 0)
            jw_text(&w, rows[i]->key);
    jw_end_array(&w);
    sq_text(im->ahead, 1, arena_strdup(im->sq->scratch, buf_text(&keys)));
    buf_free(&keys);
    return step_ahead(im, err);
}

/* Rows of one key follow each other: the first of them stands. */
static enum status add_or_keep(struct importer *im, const struct row_in *in, struct err *err)
{
    if (!im->later)
        return add_row(im, in, err);
    if (im->later_count && strcmp(im->later[im->later_count - 1]->key, in->key) == 0)
        note_repeat(im, in);
    else
        im->later[im->later_count++] = in;
    return OK;
}

static enum status merge_row(struct importer *im, const struct row_in *in, struct err *err)
{
    bool row;
    if (find_row(im, in->key, &row, err) != OK)
        return FAIL;
    if (!row && (in->deleted || im->page->known_only)) {
        im->counts->unchanged++;
        return OK;
    }
    if (!row)
        return add_or_keep(im, in, err);
    im->rid = sq_col_int(im->find, 0);
    im->deleted = (int)sq_col_int(im->find, 2);
    im->src = sq_col_int(im->find, 3);
    im->holds = im->src & SQ_SOURCE_BIT(im->page->source);
    const char *held = sq_col_peek(im->find, 1);
    int order = in->stamp && held ? stamp_compare(in->stamp, held) : in->stamp != NULL;
    bool changed = order >= 0 && !in->deleted && compare(im, in);
    if (im->find == im->single)
        sq_reset(im->find);
    if (im->page->known_only && im->deleted) {
        im->counts->unchanged++;
        return OK;
    }
    im->newer = order > 0;
    if (!in->deleted && see(im, in))
        return OK;
    if (order < 0)
        return stale_row(im, in, err);
    return merge_found(im, in, changed, err);
}

/* ------------------------------------------------------------------ pages */

static int by_key(const void *a, const void *b)
{
    const struct row_in *x = *(const struct row_in *const *)a;
    const struct row_in *y = *(const struct row_in *const *)b;
    int order = strcmp(x->key, y->key);
    return order ? order : (x > y) - (x < y); /* the same key twice: as they came */
}

static int by_place(const void *a, const void *b)
{
    const struct row_in *x = *(const struct row_in *const *)a;
    const struct row_in *y = *(const struct row_in *const *)b;
    return (x > y) - (x < y);
}

static enum status add_later(struct importer *im, struct err *err)
{
    enum status rc = OK;
    if (im->later_count)
        qsort(im->later, im->later_count, sizeof *im->later, by_place);
    for (size_t i = 0; rc == OK && i < im->later_count; i++)
        rc = add_row(im, im->later[i], err);
    return rc;
}

/* In key order: random keys cost the index four times as much. What is read as a whole has an
 * order of its own, a file's lines or a report's rows: there new rows keep that. */
static enum status merge_page(struct importer *im, struct err *err)
{
    size_t count = im->page->row_count;
    const struct row_in **rows = arena_array(im->sq->scratch, count + 1, sizeof *rows);
    bool sorted = true;
    for (size_t i = 0; i < count; i++) {
        rows[i] = &im->page->rows[i];
        sorted = sorted && (i == 0 || strcmp(rows[i - 1]->key, rows[i]->key) <= 0);
    }
    if (!sorted)
        qsort(rows, count, sizeof *rows, by_key);
    if (im->page->seen && !sorted)
        im->later = arena_array(im->sq->scratch, count + 1, sizeof *im->later);
    if (im->sq->engine->far && count > 1 && look_ahead(im, rows, count, err) != OK)
        return FAIL;
    enum status rc = OK;
    for (size_t i = 0; rc == OK && i < count; i++)
        rc = merge_row(im, rows[i], err);
    if (im->ahead)
        sq_reset(im->ahead);
    return rc == OK ? add_later(im, err) : FAIL;
}

static enum status load_page(struct importer *im, struct err *err)
{
    for (size_t i = 0; i < im->page->row_count; i++) {
        const struct row_in *in = &im->page->rows[i];
        if (in->deleted)
            im->counts->unchanged++;
        else if (add_row(im, in, err) != OK)
            return FAIL;
    }
    return OK;
}

/* Column by column: the state table is in that order. */
static enum status due_for_new(struct importer *im, struct err *err)
{
    for (size_t c = 0; c < im->page->due_for_new_count; c++)
        for (size_t i = 0; i < im->fresh.len; i++)
            if (cell_writer_due_first(&im->cells, im->page->due_for_new[c], im->fresh.at[i], err) != OK)
                return FAIL;
    im->counts->made_due += im->cells.made_due;
    im->counts->due_again += im->cells.due_again;
    return OK;
}

static enum status save_catalog(struct importer *im, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(im->sq, err, "UPDATE tables SET next_rid=?,row_count=row_count+? WHERE id=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, im->next_rid);
    sq_int(stmt, 2, im->live + im->leaver.live);
    sq_int(stmt, 3, im->page->table_id);
    if (sq_done(im->sq, stmt, err) != OK)
        return FAIL;
    const struct import_counts *counts = im->counts;
    sq_moved(im->sq, im->page->table_id,
             counts->added + counts->changed + counts->deleted + counts->revived);
    return sq_source_note(im->sq, im->page->table_id, im->page->source, im->held + im->leaver.held,
                          im->page->cursor, im->page->heard, err);
}

static enum status import_rows(struct importer *im, struct err *err)
{
    struct sheet_info info;
    struct deduper dedupe;
    if (sq_sheet_info(im->sq, im->page->table_id, &info, err) != OK)
        return FAIL;
    if (deduper_open(&dedupe, im->sq, im->page->table_id, err) != OK)
        return FAIL;
    bool first = im->page->first_load && !info.keyed && !dedupe.on;
    if (!first && !info.keyed && sq_make_key_index(im->sq, im->page->table_id, err) != OK)
        return FAIL;
    im->next_rid = info.next_rid;
    im->now_ms = sq_now(im->sq);
    im->changed = arena_array(im->sq->scratch, im->page->slot_count + 1, sizeof *im->changed);
    if (echo_open(&im->echo, im->sq, im->page->table_id, im->page->source, err) != OK ||
        prepare(im, err) != OK)
        return FAIL;
    im->loop = (struct loop_guard){im->sq, im->echo.org_id, im->page->table_id, NULL};
    if ((first ? load_page(im, err) : merge_page(im, err)) != OK)
        return FAIL;
    im->cells.history.lines += im->leaver.history.lines;
    im->counts->merged += im->cells.dedupe.merged;
    if (due_for_new(im, err) != OK || cell_writer_finish(&im->cells, err) != OK)
        return FAIL;
    return save_catalog(im, err);
}

enum status sq_import_page(struct store *store, const struct import_page *page,
                           struct import_counts *counts, struct err *err)
{
    struct import_counts mine = {0};
    struct importer im = {.sq = sq_of(store), .page = page, .counts = &mine};
    if (sq_begin(im.sq, err) != OK)
        return FAIL;
    enum status rc = sq_end(im.sq, import_rows(&im, err), err);
    cell_writer_close(&im.cells);
    row_leaver_close(&im.leaver);
    vec_free(&im.fresh);
    if (rc == OK && counts)
        import_counts_add(counts, &mine);
    return rc;
}
