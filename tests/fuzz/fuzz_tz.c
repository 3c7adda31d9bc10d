/* fuzz_tz.c - zone files: what tz_parse takes must answer for any instant. */
#include "base/tz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct tz *tz = tz_parse(data, len, NULL);
    int64_t out[2];
    for (int64_t ms = -4000000000000; tz && ms < 8000000000000; ms += 777777777777) {
        if (abs(tz_offset(tz, ms)) > 167 * 3600)
            abort();
        tz_instants(tz, ms, out);
    }
    tz_close(tz);
    return 0;
}
