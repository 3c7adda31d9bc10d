/* step_describes.c - a describe is dated by when it was kept, not by when it was
 * last found unchanged: it is trusted for a day at most, however often it is used. */
#include "store/sql/sql_priv.h"

const char sq_step_describes[] =
    "DELETE FROM describes;"
    "ALTER TABLE describes RENAME COLUMN checked_ms TO kept_ms;";
