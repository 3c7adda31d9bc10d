/* watcher.h - a thread that looks for what people would want to know (engine/alerts.h)
 * and hands it over. Mail servers and webhooks that hang hold up nobody else. */
#ifndef ARGIL_WORK_WATCHER_H
#define ARGIL_WORK_WATCHER_H

#include "work/work.h"

struct watcher;
/* `options` as given to work_open; `url`: the web app's address for links, lent, or NULL. */
struct watcher *watcher_start(const struct work_options *options, const char *url, struct err *err);
/* Something may have to be said: look now. Any thread, NULL is fine. */
void watcher_wake(struct watcher *watcher);
/* Ends the thread; what it sends just now is ended, too. NULL is fine. */
void watcher_stop(struct watcher *watcher);

#endif
