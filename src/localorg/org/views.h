/* views.h - which records each user looked at, and when: LastViewedDate,
 * LastReferencedDate and RecentlyViewed, which differ from user to user.
 *
 * Kept in memory, so that looking costs no write; SOQL reads it through the SQL
 * function localorg_viewed(record id, user id, kind). 200 records an object and
 * user (Object Reference, RecentlyViewed). A database file keeps them from
 * org_close to org_open. Thread-safe; none of these blocks on writers. */
#ifndef LOCALORG_ORG_VIEWS_H
#define LOCALORG_ORG_VIEWS_H

#include "localorg/org/org.h"

enum { VIEWS_PER_OBJECT = 200 };

enum view_kind { VIEW_SEEN, VIEW_REFERENCED }; /* seeing is referring, too */

struct view {
    char id[19];
    int64_t seen_ms, referenced_ms; /* 0 = never */
};

void org_view(struct org *org, const char *user_id, const char *id18, enum view_kind kind);
/* Those the user saw, or at least referred to, newest first, of one object or
 * (NULL) of all. Deleted records are among them. Returns how many. */
size_t org_views(struct org *org, const char *user_id, const struct sobject *object,
                 struct view *out, size_t max);
/* Answers SOQL over RecentlyViewed; once the object is in the schema. */
void org_serve_views(struct org *org);

#endif
