#include "localorg/seed/seed_priv.h"
enum status seed_developer_fields(struct org *org, struct err *err)
{
    return OK;
}
enum status seed_developer(struct seeding *seeding, struct err *err)
{
    return OK;
}
