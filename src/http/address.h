/* address.h - may a user's URL lead there? */
#ifndef ARGIL_HTTP_ADDRESS_H
#define ARGIL_HTTP_ADDRESS_H

#include <stdbool.h>

struct sockaddr;

/* True for an address anybody may reach on the internet. False for private,
 * loopback, link-local, carrier-grade NAT, multicast, documentation and
 * reserved ranges, for IPv4 hidden in IPv6 of that kind, and for anything that
 * is neither IPv4 nor IPv6. */
bool address_is_public(const struct sockaddr *address);
/* The same for text such as "127.0.0.1" or "fe80::1"; false when it is no address. */
bool address_text_is_public(const char *text);
/* True when the text is an IPv4 or IPv6 address at all. */
bool address_is_literal(const char *text);

#endif
