#!/usr/bin/env python3
"""embed.py OUT.c OUT.h ARRAY FILE... - files as a C array, for the build.

OUT.h declares `struct embedded_file { name, text, len }` and ARRAY with its
count; names are the files' base names, in the order given. Texts end in a NUL
that len does not count."""
import os
import sys


def c_lines(data):
    for line in data.split(b"\n"):
        text = "".join(
            chr(b) if 32 <= b < 127 and b not in b'"\\?' else "\\%03o" % b for b in line
        )
        yield '    "%s\\n"' % text


def main():
    out_c, out_h, array, files = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
    guard = array.upper() + "_EMBEDDED_H"
    with open(out_h, "w") as h:
        h.write("/* made by tools/embed.py */\n#ifndef %s\n#define %s\n" % (guard, guard))
        h.write("#include <stddef.h>\n#ifndef EMBEDDED_FILE\n#define EMBEDDED_FILE\n")
        h.write("struct embedded_file {\n    const char *name, *text;\n    size_t len;\n};\n#endif\n")
        h.write("extern const struct embedded_file %s[];\n" % array)
        h.write("extern const size_t %s_count;\n#endif\n" % array)
    with open(out_c, "w") as c:
        c.write("/* made by tools/embed.py */\n#include \"%s\"\n" % os.path.basename(out_h))
        rows = []
        for i, path in enumerate(files):
            with open(path, "rb") as f:
                data = f.read()
            if data.endswith(b"\n"):
                data = data[:-1]
            c.write("static const char file%d[] =\n%s;\n" % (i, "\n".join(c_lines(data))))
            rows.append('    {"%s", file%d, sizeof file%d - 1},' % (os.path.basename(path), i, i))
        c.write("const struct embedded_file %s[] = {\n%s\n};\n" % (array, "\n".join(rows)))
        c.write("const size_t %s_count = %d;\n" % (array, len(files)))


if __name__ == "__main__":
    main()
