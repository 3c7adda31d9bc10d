/* tz.h - the machine's time zones (IANA names), for wall clocks of people.
 *
 * Read from the system's zone files (TZDIR, else /usr/share/zoneinfo), RFC 8536
 * version 1 to 4 with the rule at their end. libc's own functions know one zone
 * a process and change it for all threads, which is why this exists. UTC needs no file. */
#ifndef ARGIL_BASE_TZ_H
#define ARGIL_BASE_TZ_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define ERR_TZ "tz.unknown" /* no such zone, or its file is damaged */

struct tz;

/* "Europe/Berlin"; "UTC" and NULL are UTC. NULL with *err set when there is none. */
struct tz *tz_open(const char *name, struct err *err);
/* The same from the bytes of a zone file. */
struct tz *tz_parse(const void *bytes, size_t len, struct err *err);
void tz_close(struct tz *tz); /* NULL is fine */

/* Seconds east of UTC at that instant. */
int tz_offset(const struct tz *tz, int64_t ms);
/* The wall clock at an instant, as if it were UTC. */
int64_t tz_wall(const struct tz *tz, int64_t ms);
/* Instants at which the wall clock shows `wall_ms`: usually one; two when clocks
 * go back; none when they skip it, and then out[0] is the instant they skip. */
int tz_instants(const struct tz *tz, int64_t wall_ms, int64_t out[2]);

#endif
