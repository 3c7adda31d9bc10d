/* vec.h - a growing array of any type.
 *
 *     VEC(struct column) columns = {0};
 *     vec_push(&columns, column);
 *     for (size_t i = 0; i < columns.len; i++) use(&columns.at[i]);
 *     vec_free(&columns);
 */
#ifndef ARGIL_BASE_VEC_H
#define ARGIL_BASE_VEC_H

#include "base/mem.h"

#include <stddef.h>
#include <stdlib.h>

#define VEC(type)                                                                                  \
    struct {                                                                                       \
        type *at;                                                                                  \
        size_t len, cap;                                                                           \
    }

#define vec_push(vec, item)                                                                        \
    do {                                                                                           \
        if ((vec)->len == (vec)->cap) {                                                            \
            (vec)->cap = (vec)->cap ? (vec)->cap * 2 : 8;                                          \
            (vec)->at = mem_resize_array((vec)->at, (vec)->cap, sizeof *(vec)->at);                \
        }                                                                                          \
        (vec)->at[(vec)->len++] = (item);                                                          \
    } while (0)

#define vec_clear(vec) ((vec)->len = 0)
#define vec_free(vec)                                                                              \
    do {                                                                                           \
        free((vec)->at);                                                                           \
        (vec)->at = NULL;                                                                          \
        (vec)->len = (vec)->cap = 0;                                                               \
    } while (0)

#endif
