/* log.h - one line an event on stderr: time, level, text.
 *
 * A second wall behind `struct secret`: the sink hides bearer tokens, session
 * ids, refresh tokens and `password=` values wherever they appear. Thread-safe. */
#ifndef ARGIL_BASE_LOG_H
#define ARGIL_BASE_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_NONE };

void log_set_level(enum log_level level); /* starts at LOG_WARN */
enum log_level log_get_level(void);
void log_set_json(int on); /* one JSON object a line */
void log_at(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

struct buf;
/* Appends the text with every secret it knows painted over: what the log does
 * to each line, for other texts that leave the house (reports, bundles). */
void log_redact(const char *text, struct buf *out);

#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)

#endif
