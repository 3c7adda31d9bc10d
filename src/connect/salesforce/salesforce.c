/* salesforce.c - the connector, one row a duty. */
#include "connect/salesforce/sf_priv.h"

const struct connector salesforce_connector = {
    .name = "salesforce",
    .signin_begin = sf_signin_begin,
    .signin_finish = sf_signin_finish,
    .signin_token = sf_signin_token,
    .signin_machine = sf_signin_machine,
    .signin_explain = sf_explain_oauth,
    .revoke = sf_revoke,
    .open = sf_open,
    .close = sf_close,
    .objects = sf_objects,
    .describe = sf_describe,
    .access = sf_access,
    .identity = sf_identity,
    .doctor = sf_doctor,
    .doctor_text = sf_doctor_text,
    .read_open = sf_read_open,
    .read_next = sf_read_next,
    .read_close = sf_read_close,
    .count = sf_count,
    .lookup = sf_lookup,
    .check = sf_check,
    .write_batch = SF_ROWS_PER_CALL * SF_PARTS_PER_CALL,
    .write = sf_write,
    .write_cost = sf_write_cost,
};
