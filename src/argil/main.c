/* main.c - argil: one binary. The hidden command `formula-worker` is the
 * sandboxed process that evaluates people's formulas; everything else is the
 * command line in cli/. */
#include "cli/cli.h"

#include "base/str.h"

int main(int argc, char **argv)
{
    if (argc == 2 && text_eq(argv[1], "formula-worker"))
        return formula_worker_main();
    return cli_main(argc, argv);
}
