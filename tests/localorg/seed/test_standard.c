#include "localorg/org/standard.h"
#include "support/check.h"
TEST(standard, loads)
{
    struct err err = {0};
    struct schema *schema = schema_new();
    CHECK_OK(schema_add_standard(schema, &err), &err);
    CHECK(schema_count(schema) >= 49);
    schema_free(schema);
}
