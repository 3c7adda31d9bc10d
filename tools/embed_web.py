#!/usr/bin/env python3
"""The web app's files as one C file: embed_web.py DIST OUT.c

Each file comes plain, as gzip and (when the brotli program is there) as brotli,
where that saves a tenth. Without DIST/index.html the table is empty, and the
server says that the web app was not built. OUT is written only when it changed,
so nothing is compiled again for nothing.
"""
import gzip
import hashlib
import pathlib
import shutil
import subprocess
import sys

TYPES = {
    ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png",
    ".ico": "image/x-icon", ".json": "application/json", ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2", ".webmanifest": "application/manifest+json", ".map": "application/json",
}
PACKED = {".html", ".js", ".css", ".svg", ".json", ".txt", ".webmanifest", ".map"}


def brotli(path):
    if not shutil.which("brotli"):
        return None
    return subprocess.run(["brotli", "--stdout", "--quality=11", str(path)], stdout=subprocess.PIPE,
                          check=True).stdout


def packings(path, plain):
    yield "plain", plain
    if path.suffix not in PACKED:
        return
    for name, data in (("gzip", gzip.compress(plain, 9, mtime=0)), ("brotli", brotli(path))):
        if data is not None and len(data) < len(plain) * 0.9:
            yield name, data


def bytes_of(name, data):
    lines = [",".join(str(b) for b in data[i:i + 40]) for i in range(0, len(data), 40)]
    return f"static const unsigned char {name}[] = {{\n" + ",\n".join(lines) + "};\n"


def embed(dist):
    files = sorted(p for p in dist.rglob("*") if p.is_file() and p.name[0] != ".") if (dist / "index.html").exists() else []
    arrays, rows = [], []
    for number, path in enumerate(files):
        plain = path.read_bytes()
        row = {"path": "/" + path.relative_to(dist).as_posix(),
               "type": TYPES.get(path.suffix, "application/octet-stream"),
               "etag": '\\"' + hashlib.sha256(plain).hexdigest()[:20] + '\\"'}
        text = ", ".join(f'.{key} = "{value}"' for key, value in row.items())
        for kind, data in packings(path, plain):
            arrays.append(bytes_of(f"f{number}_{kind}", data or b"\0"))
            text += f", .{kind} = f{number}_{kind}, .{kind}_len = {len(data)}"
        rows.append("    {" + text + "},\n")
    return ('/* Made by tools/embed_web.py from web/dist. */\n#include "api/assets.h"\n\n' + "".join(arrays) +
            "const struct asset web_assets[] = {\n" + "".join(rows) + "    {0},\n};\n"
            f"const size_t web_asset_count = {len(rows)};\n")


def main():
    dist, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    text = embed(dist)
    if not out.exists() or out.read_text() != text:
        out.write_text(text)


if __name__ == "__main__":
    main()
