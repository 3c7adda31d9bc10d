/* address.c - the tables of the IANA special-purpose registries.
 *
 * IPv4: everything is public but the listed ranges. IPv6: nothing is public
 * but 2000::/3 without the listed ranges, and the two forms that carry an IPv4
 * address (v4-mapped, NAT64), which are judged by the address they carry. */
#include "http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct range4 {
    uint32_t network;
    unsigned bits;
};

#define NET4(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static const struct range4 closed4[] = {
    {NET4(0, 0, 0, 0), 8},       /* this network */
    {NET4(10, 0, 0, 0), 8},      /* private */
    {NET4(100, 64, 0, 0), 10},   /* carrier-grade NAT */
    {NET4(127, 0, 0, 0), 8},     /* loopback */
    {NET4(169, 254, 0, 0), 16},  /* link-local: cloud metadata lives here */
    {NET4(172, 16, 0, 0), 12},   /* private */
    {NET4(192, 0, 0, 0), 24},    /* protocol assignments */
    {NET4(192, 0, 2, 0), 24},    /* documentation */
    {NET4(192, 88, 99, 0), 24},  /* 6to4 relays */
    {NET4(192, 168, 0, 0), 16},  /* private */
    {NET4(198, 18, 0, 0), 15},   /* benchmarks */
    {NET4(198, 51, 100, 0), 24}, /* documentation */
    {NET4(203, 0, 113, 0), 24},  /* documentation */
    {NET4(224, 0, 0, 0), 4},     /* multicast */
    {NET4(240, 0, 0, 0), 4},     /* reserved, broadcast */
};

struct range6 {
    uint8_t network[16];
    unsigned bits;
};

static const struct range6 closed6[] = {
    {{0x20, 0x01, 0x00}, 23},       /* protocol assignments, Teredo */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x20, 0x02}, 16},             /* 6to4 */
    {{0x3f, 0xff}, 20},             /* documentation */
};

static const struct range6 mapped4 = {{[10] = 0xff, [11] = 0xff}, 96};
static const struct range6 nat64 = {{0x00, 0x64, 0xff, 0x9b}, 96};
static const struct range6 global6 = {{0x20}, 3};

static bool is_public4(uint32_t address)
{
    for (size_t i = 0; i < sizeof closed4 / sizeof *closed4; i++)
        if ((address ^ closed4[i].network) >> (32 - closed4[i].bits) == 0)
            return false;
    return true;
}

static bool in_range6(const uint8_t *address, const struct range6 *range)
{
    unsigned whole = range->bits / 8, rest = range->bits % 8;
    if (memcmp(address, range->network, whole) != 0)
        return false;
    return rest == 0 || (address[whole] ^ range->network[whole]) >> (8 - rest) == 0;
}

static bool is_public6(const uint8_t *address)
{
    if (in_range6(address, &mapped4) || in_range6(address, &nat64))
        return is_public4(NET4(address[12], address[13], address[14], address[15]));
    if (!in_range6(address, &global6))
        return false;
    for (size_t i = 0; i < sizeof closed6 / sizeof *closed6; i++)
        if (in_range6(address, &closed6[i]))
            return false;
    return true;
}

bool address_is_public(const struct sockaddr *address)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    if (address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof v4);
        return is_public4(ntohl(v4.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        memcpy(&v6, address, sizeof v6);
        return is_public6(v6.sin6_addr.s6_addr);
    }
    return false;
}

static bool parse_literal(const char *text, uint32_t *v4, uint8_t v6[16], bool *is_v6)
{
    char plain[64];
    size_t len = strcspn(text, "%"); /* fe80::1%eth0 */
    if (len >= sizeof plain)
        return false;
    memcpy(plain, text, len);
    plain[len] = '\0';
    struct in_addr four;
    *is_v6 = inet_pton(AF_INET6, plain, v6) == 1;
    if (*is_v6)
        return true;
    if (inet_pton(AF_INET, plain, &four) != 1)
        return false;
    *v4 = ntohl(four.s_addr);
    return true;
}

bool address_is_literal(const char *text)
{
    uint32_t v4;
    uint8_t v6[16];
    bool is_v6;
    return parse_literal(text, &v4, v6, &is_v6);
}

bool address_text_is_public(const char *text)
{
    uint32_t v4;
    uint8_t v6[16];
    bool is_v6;
    if (!parse_literal(text, &v4, v6, &is_v6))
        return false;
    return is_v6 ? is_public6(v6) : is_public4(v4);
}
