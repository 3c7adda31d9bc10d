#!/usr/bin/env python3
"""A file as a C string: embed_text.py FILE OUT.c NAME

NAME is a char array that ends in a NUL, NAME_len its length without it; both are
there, and empty, when the file is not. OUT is written only when it changed."""
import pathlib
import sys


def main():
    source, out, name = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
    data = source.read_bytes() if source.exists() else b""
    lines = [",".join(str(b) for b in data[i:i + 40]) + "," for i in range(0, len(data), 40)]
    text = (f"/* made by tools/embed_text.py */\n#include <stddef.h>\nextern const char {name}[];\n"
            f"extern const size_t {name}_len;\nconst char {name}[] = {{\n" + "\n".join(lines) +
            f"\n0}};\nconst size_t {name}_len = {len(data)};\n")
    if not out.exists() or out.read_text() != text:
        out.write_text(text)


if __name__ == "__main__":
    main()
