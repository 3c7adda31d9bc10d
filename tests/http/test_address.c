/* test_address.c - which addresses a user's URL may reach. Guards
 * src/http/address.c. */
#include "base/buf.h"
#include "http/address.h"
#include "http/gzip.h"
#include "support/check.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

TEST(address, public_ones_are_let_through)
{
    static const char *const open[] = {
        "1.1.1.1",         "8.8.8.8",          "9.255.255.255",
        "11.0.0.0",        "100.63.255.255",   "100.128.0.0",
        "126.255.255.255", "128.0.0.0",        "169.253.1.1",
        "172.15.255.255",  "172.32.0.0",       "192.167.1.1",
        "192.169.0.1",     "198.17.1.1",       "198.20.0.0",
        "223.255.255.255", "2606:4700::1111",  "2a00:1450::1",
        "::ffff:8.8.8.8",  "64:ff9b::808:808", "2001:4860:4860::8888",
    };
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        if (!address_text_is_public(open[i]))
            CHECK_STR(open[i], "public");
}

TEST(address, private_and_reserved_ones_are_not)
{
    static const char *const closed[] = {
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "4000::1",
        "3fff::1",
    };
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) {
        if (address_text_is_public(closed[i]))
            CHECK_STR(closed[i], "private");
        CHECK(address_is_literal(closed[i]));
    }
}

TEST(address, what_is_no_address_is_not_public)
{
    CHECK(!address_is_literal("example.com") && !address_text_is_public("example.com"));
    CHECK(!address_is_literal("") && !address_is_literal("1.2.3") &&
          !address_is_literal("1.2.3.4.5"));
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    CHECK(!address_is_public((struct sockaddr *)&local));
}

TEST(gzip, is_taken_only_when_offered)
{
    static const char *const yes[] = {"gzip", "deflate, gzip", "GZIP;q=0.5", "br;q=1.0, gzip;q=0.8",
                                      "*",    "x-gzip",        "gzip ; q=1"};
    static const char *const no[] = {"",        "br",       "gzip;q=0", "gzip; q=0.000",
                                     "gzipped", "identity", "*;q=0",    ",,"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (!gzip_accepted(yes[i]))
            CHECK_STR(yes[i], "accepted");
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (gzip_accepted(no[i]))
            CHECK_STR(no[i], "not accepted");
    CHECK(!gzip_accepted(NULL));
}
