/* sheet.h - writing many rows of one object fast, past all checks.
 *
 *     sheet_open(org, db, "Account", columns, count, err)
 *     sheet_text(sheet, 0, "Acme"); sheet_int(sheet, 1, 12); sheet_add(sheet, when, id, err)
 *     sheet_close(sheet)
 *
 * Between org_write_begin and org_write_end. Columns not named get what a new
 * record has: false, the default picklist value, the audit fields, an owner.
 * Texts are lent until sheet_add. */
#ifndef LOCALORG_SEED_SHEET_H
#define LOCALORG_SEED_SHEET_H

#include "localorg/org/org.h"

struct sheet;

struct sheet *sheet_open(struct org *org, sqlite3 *db, const char *object,
                         const char *const *columns, size_t count, struct err *err);
void sheet_close(struct sheet *sheet); /* NULL is fine */

void sheet_text(struct sheet *sheet, size_t column, const char *text); /* "" is null */
void sheet_int(struct sheet *sheet, size_t column, int64_t value);
void sheet_real(struct sheet *sheet, size_t column, double value);
void sheet_date(struct sheet *sheet, size_t column, int64_t days); /* since 1970 */

/* Who the next rows belong to; the creator modifies too. */
void sheet_people(struct sheet *sheet, const char *creator, const char *owner);
void sheet_id(struct sheet *sheet, const char *id18); /* of the next row only */

struct sheet_times {
    int64_t created_ms, modified_ms;
};
/* Writes the row; every column is null again. `id` gets its id. */
enum status sheet_add(struct sheet *sheet, struct sheet_times times, char id[19], struct err *err);

/* Taking the costly indexes of some objects away while their tables are filled,
 * and bringing them back. The list is yours to give back with bulk_end. */
struct bulk;
struct bulk *bulk_begin(sqlite3 *db, const char *const *objects, size_t count, struct err *err);
enum status bulk_end(sqlite3 *db, struct bulk *bulk, struct err *err); /* NULL is fine */

#endif
