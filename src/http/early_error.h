/* early_error.h - libcurl's codes in our words, while no byte of a request had left. */
#ifndef ARGIL_HTTP_EARLY_ERROR_H
#define ARGIL_HTTP_EARLY_ERROR_H

#include <curl/curl.h>

/* A code of http/client.h. */
const char *http_early_error(CURLcode rc);

#endif
