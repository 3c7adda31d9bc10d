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
#include "store/sqlite/sqlite_priv.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define FIXED 4 /* rid, key, stamp, run come before the slots in insert and find */

struct importer {
    struct sq *sq;
    const struct import_page *page;
    struct import_counts *counts;
    struct cell_writer cells;
    struct row_remover remover;
    bool remover_open;
    struct echo echo;
    sqlite3_stmt *find, *insert, *update, *touch, *mark;
    const char **fields;    /* source field of each slot, or NULL */
    bool *changed;          /* of each slot of the present row, echoes left out */
    int64_t next_rid, live; /* live: change of the number of live rows */
    VEC(int64_t) fresh;     /* row ids whose due_for_new is to be made due */
    /* the row as we hold it */
    int64_t rid;
    int deleted;
    bool newer;
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

static sqlite3_stmt *insert_stmt(struct importer *im, struct err *err)
{
    struct buf sql = BUF_INIT;
    buf_printf(&sql, "INSERT INTO t%lld(rid,key,stamp,run", (long long)im->page->table_id);
    put_slots(&sql, im->page, "");
    buf_str(&sql, ") VALUES(?,?,?,?");
    for (size_t i = 0; i < im->page->slot_count; i++)
        buf_str(&sql, ",?");
    buf_str(&sql, ")");
    sqlite3_stmt *stmt = sq_stmt(im->sq, err, buf_text(&sql));
    buf_free(&sql);
    return stmt;
}

static sqlite3_stmt *find_stmt(struct importer *im, struct err *err)
{
    struct buf sql = BUF_INIT;
    buf_str(&sql, "SELECT rid,stamp,deleted,run");
    put_slots(&sql, im->page, "");
    buf_printf(&sql, " FROM t%lld WHERE key=?", (long long)im->page->table_id);
    sqlite3_stmt *stmt = sq_stmt(im->sq, err, buf_text(&sql));
    buf_free(&sql);
    return stmt;
}

static sqlite3_stmt *update_stmt(struct importer *im, struct err *err)
{
    struct buf sql = BUF_INIT;
    buf_printf(&sql, "UPDATE t%lld SET deleted=0,stamp=coalesce(?,stamp),run=?",
               (long long)im->page->table_id);
    put_slots(&sql, im->page, "=?");
    buf_str(&sql, " WHERE rid=?");
    sqlite3_stmt *stmt = sq_stmt(im->sq, err, buf_text(&sql));
    buf_free(&sql);
    return stmt;
}

static enum status prepare(struct importer *im, struct err *err)
{
    long long id = im->page->table_id;
    im->insert = insert_stmt(im, err);
    im->find = im->insert ? find_stmt(im, err) : NULL;
    im->update = im->find ? update_stmt(im, err) : NULL;
    im->touch = sq_stmtf(im->sq, err, "UPDATE t%lld SET stamp=? WHERE rid=?", id);
    im->mark = sq_stmtf(im->sq, err,
                        "UPDATE t%lld SET deleted=?1,stamp=coalesce(?2,stamp) WHERE rid=?3", id);
    if (!im->update || !im->touch || !im->mark)
        return FAIL;
    return cell_writer_open(&im->cells, im->sq, id, NULL, 0, err);
}

/* Which remote field fills which slot: echoes are told by field. */
static enum status load_fields(struct importer *im, struct err *err)
{
    bool row = true;
    const struct import_page *page = im->page;
    im->fields = arena_array(im->sq->scratch, page->slot_count + 1, sizeof *im->fields);
    im->changed = arena_array(im->sq->scratch, page->slot_count + 1, sizeof *im->changed);
    sqlite3_stmt *stmt = sq_stmt(im->sq, err,
                                 "SELECT slot,source_field FROM columns WHERE table_id=?"
                                 " AND source_field IS NOT NULL");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, page->table_id);
    for (;;) {
        if (sq_row(im->sq, stmt, &row, err) != OK)
            return FAIL;
        if (!row)
            return OK;
        for (size_t i = 0; i < page->slot_count; i++)
            if (page->slots[i] == sqlite3_column_int(stmt, 0))
                im->fields[i] = sq_col_text(stmt, 1, im->sq->scratch);
    }
}

/* ------------------------------------------------------------------ rows */

static enum status insert_row(struct importer *im, const struct row_in *in, struct err *err)
{
    sqlite3_stmt *stmt = im->insert;
    im->rid = im->next_rid++;
    sq_note_row(im->sq, im->page->table_id, im->rid);
    sq_int(stmt, 1, im->rid);
    sq_text(stmt, 2, in->key);
    sq_text(stmt, 3, in->stamp);
    sq_int(stmt, 4, im->page->run_id);
    for (size_t i = 0; i < im->page->slot_count; i++)
        sq_value(stmt, (int)i + FIXED + 1, in->values[i]);
    return sq_done(im->sq, stmt, err);
}

static enum status add_row(struct importer *im, const struct row_in *in, struct err *err)
{
    bool ours;
    if (insert_row(im, in, err) != OK || echo_made(&im->echo, in->key, &ours, err) != OK)
        return FAIL;
    im->counts->added++;
    im->live++;
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
        const char *text = (const char *)sqlite3_column_text(im->find, (int)i + FIXED);
        struct value held = {text, (uint32_t)sqlite3_column_bytes(im->find, (int)i + FIXED)};
        im->changed[i] = !value_equal(held, in->values[i]);
        any |= im->changed[i];
    }
    return any;
}

static enum status update_row(struct importer *im, const struct row_in *in, struct err *err)
{
    sqlite3_stmt *stmt = im->update;
    int at = 3;
    sq_note_row(im->sq, im->page->table_id, im->rid);
    sq_text(stmt, 1, in->stamp);
    sq_int(stmt, 2, im->page->run_id);
    for (size_t i = 0; i < im->page->slot_count; i++)
        sq_value(stmt, at++, in->values[i]);
    sq_int(stmt, at, im->rid);
    return sq_done(im->sq, stmt, err);
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
        if (echo_is(&im->echo, in->key, im->fields[i], in->values[i], in->stamp, &is, err) != OK)
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

static enum status make_due(struct importer *im, struct err *err)
{
    for (size_t i = 0; i < im->page->due_for_change_count; i++) {
        const struct due_rule *rule = &im->page->due_for_change[i];
        if (slot_changed(im, rule->slot) &&
            cell_writer_due(&im->cells, rule->column_id, im->rid, err) != OK)
            return FAIL;
    }
    return OK;
}

static enum status change_row(struct importer *im, const struct row_in *in, struct err *err)
{
    bool only_echoes;
    if (update_row(im, in, err) != OK || drop_echoes(im, in, &only_echoes, err) != OK)
        return FAIL;
    im->counts->echoes += only_echoes;
    return make_due(im, err);
}

/* Nothing we hold changed; the record was touched elsewhere: keep its stamp. */
static enum status keep_stamp(struct importer *im, const struct row_in *in, struct err *err)
{
    if (!im->newer)
        return OK;
    sq_text(im->touch, 1, in->stamp);
    sq_int(im->touch, 2, im->rid);
    return sq_done(im->sq, im->touch, err);
}

static enum status delete_row(struct importer *im, const struct row_in *in, struct err *err)
{
    enum when_deleted how = im->page->when_deleted;
    int to = how == DELETED_REMOVE ? 2 : 1;
    if (how == DELETED_KEEP || im->deleted >= to) {
        im->counts->unchanged++;
        return OK;
    }
    im->counts->deleted++;
    sq_note_row(im->sq, im->page->table_id, im->rid);
    im->live -= im->deleted == 0;
    sq_int(im->mark, 1, to);
    sq_text(im->mark, 2, in->stamp);
    sq_int(im->mark, 3, im->rid);
    if (sq_done(im->sq, im->mark, err) != OK)
        return FAIL;
    if (to != 2)
        return OK;
    if (!im->remover_open && row_remover_open(&im->remover, im->sq, im->page->table_id, err) != OK)
        return FAIL;
    im->remover_open = true;
    return row_remove(&im->remover, im->rid, err);
}

static enum status revive_row(struct importer *im, const struct row_in *in, bool changed,
                              struct err *err)
{
    bool was_removed = im->deleted == 2;
    im->counts->revived++;
    im->live++;
    if (was_removed) {
        if (im->page->due_for_new_count)
            vec_push(&im->fresh, im->rid);
        return update_row(im, in, err);
    }
    if (changed)
        return change_row(im, in, err);
    return update_row(im, in, err);
}

static enum status merge_found(struct importer *im, const struct row_in *in, bool changed,
                               struct err *err)
{
    if (in->deleted)
        return delete_row(im, in, err);
    if (im->deleted)
        return revive_row(im, in, changed, err);
    if (!changed || !im->page->update_existing) {
        im->counts->unchanged++;
        return changed ? OK : keep_stamp(im, in, err);
    }
    im->counts->changed++;
    return change_row(im, in, err);
}

static enum status merge_row(struct importer *im, const struct row_in *in, struct err *err)
{
    bool row;
    sq_text(im->find, 1, in->key);
    if (sq_row(im->sq, im->find, &row, err) != OK)
        return FAIL;
    if (!row && in->deleted) {
        im->counts->unchanged++;
        return OK;
    }
    if (!row)
        return add_row(im, in, err);
    im->rid = sqlite3_column_int64(im->find, 0);
    im->deleted = sqlite3_column_int(im->find, 2);
    const char *held = (const char *)sqlite3_column_text(im->find, 1);
    int order = in->stamp && held ? stamp_compare(in->stamp, held) : in->stamp != NULL;
    bool changed = order >= 0 && !in->deleted && compare(im, in);
    sqlite3_reset(im->find);
    im->newer = order > 0;
    if (order < 0) {
        im->counts->stale++;
        return OK;
    }
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

/* In key order: random keys cost the index four times as much. */
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
    for (size_t i = 0; i < count; i++)
        if (merge_row(im, rows[i], err) != OK)
            return FAIL;
    return OK;
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
            if (cell_writer_due(&im->cells, im->page->due_for_new[c], im->fresh.at[i], err) != OK)
                return FAIL;
    im->counts->made_due += im->cells.made_due;
    return OK;
}

static enum status save_catalog(struct importer *im, struct err *err)
{
    sqlite3_stmt *stmt = sq_stmt(im->sq, err,
                                 "UPDATE tables SET next_rid=?,row_count=row_count+?,"
                                 "cursor=coalesce(?,cursor) WHERE id=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, im->next_rid);
    sq_int(stmt, 2, im->live);
    sq_text(stmt, 3, im->page->cursor);
    sq_int(stmt, 4, im->page->table_id);
    return sq_done(im->sq, stmt, err);
}

static enum status import_rows(struct importer *im, struct err *err)
{
    struct sheet_info info;
    if (sq_sheet_info(im->sq, im->page->table_id, &info, err) != OK)
        return FAIL;
    bool first = im->page->first_load && !info.keyed;
    if (!first && !info.keyed && sq_make_key_index(im->sq, im->page->table_id, err) != OK)
        return FAIL;
    im->next_rid = info.next_rid;
    if (load_fields(im, err) != OK || echo_open(&im->echo, im->sq, im->page->table_id, err) != OK ||
        prepare(im, err) != OK)
        return FAIL;
    if ((first ? load_page(im, err) : merge_page(im, err)) != OK)
        return FAIL;
    if (due_for_new(im, err) != OK)
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
    row_remover_close(&im.remover);
    vec_free(&im.fresh);
    if (rc == OK && counts) {
        counts->added += mine.added;
        counts->changed += mine.changed;
        counts->unchanged += mine.unchanged;
        counts->deleted += mine.deleted;
        counts->revived += mine.revived;
        counts->stale += mine.stale;
        counts->echoes += mine.echoes;
        counts->made_due += mine.made_due;
    }
    return rc;
}
