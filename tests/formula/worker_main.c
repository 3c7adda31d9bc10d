/* worker_main.c - the formula worker alone, as a program for the tests. */
#include "formula/formula.h"

int main(void)
{
    return formula_worker_main();
}
