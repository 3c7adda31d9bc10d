/* mail.h - one e-mail to a mail server (SMTP over libcurl).
 *
 * The text is plain UTF-8. Line ends, headers and encoding are made here; what is
 * in a subject or an address cannot become a header. Blocks until the server has
 * taken the mail or has not, at most timeout_ms. */
#ifndef ARGIL_HTTP_MAIL_H
#define ARGIL_HTTP_MAIL_H

#include "base/err.h"
#include "base/secret.h"
#include "base/world.h"

#define ERR_MAIL "mail.failed"          /* could not be handed over; may pass */
#define ERR_MAIL_REFUSED "mail.refused" /* the server said no (5xx), or the settings are no good */

struct mail {
    /* smtp://host[:587]: encrypted by STARTTLS, which the server must offer unless it is on this
     * machine; smtps://host[:465]: encrypted from the start. */
    const char *server;
    const char *user;              /* NULL = no sign-in */
    const struct secret *password; /* with user */
    const char *from;              /* address */
    const char *const *to;         /* addresses */
    size_t to_count;
    const char *subject, *text;
    const char *id; /* what makes the same mail the same: "alert-12.WORKSPACE"; in Message-ID */
    const char *ca_file; /* certificates to trust; NULL = the system's */
    int64_t timeout_ms;  /* 0 = 30 s */
};

/* "ann@example.com", without a name or brackets. */
bool mail_address_valid(const char *address);
enum status mail_server_check(const char *server, struct err *err);
enum status mail_send(struct world *world, const struct mail *mail, struct err *err);

#endif
