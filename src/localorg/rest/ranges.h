/* ranges.h - lists of addresses and of hours, as policies give them.
 *
 * Addresses: "10.0.0.0/8", "10.1.0.1-10.1.0.9", "192.0.2.7", and the same of IPv6.
 * Hours: "mon-fri/08:00-18:00", "sat/09:00-12:00", days as three letters; the end
 * is not included; 24:00 is the end of the day. Words of a list are separated by
 * spaces. No I/O, no state. */
#ifndef LOCALORG_REST_RANGES_H
#define LOCALORG_REST_RANGES_H

#include <stdbool.h>
#include <stddef.h>

bool range_known(const char *word, size_t len); /* is it an address or a range of them? */
/* Is the address in one of the ranges? False for a text that is no address. */
bool ranges_have(const char *list, const char *address);

bool hours_known(const char *word, size_t len);
/* weekday 0 = Sunday; minute of that day. */
bool hours_have(const char *list, int weekday, int minute);

#endif
