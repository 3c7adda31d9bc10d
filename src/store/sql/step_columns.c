/* step_columns.c - when a column computes, beside its condition: struct column, rules. */
#include "store/sql/sql_priv.h"

const char sq_step_columns[] = "ALTER TABLE columns ADD COLUMN rules TEXT;";
