#!/usr/bin/env python3
"""Room rules: who may include whom, banned calls, file sizes, file stories.

The table is the one in ARCHITECTURE.md, in words a machine reads. A forbidden
include fails the build (./dev check, and a test in ./dev test).
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# room -> what its files may include: whole rooms ("base"), or single headers.
# A room may always include itself. The longest matching room wins. A seam's
# header stands for its further ones, too: store/store.h for store/store_leases.h.
ROOMS = {
    "src/base": [],
    "src/http": ["base"],
    "src/model": ["base"],
    "src/vault": ["base"],
    "src/formula": ["base"],
    "src/store": ["base", "model"],
    "src/store/sql": ["base", "model", "store/store.h"],
    "src/store/sqlite": ["base", "model", "store/store.h", "store/sql"],
    "src/store/postgres": ["base", "model", "store/store.h", "store/sql"],
    "src/connect": ["base", "model"],
    "src/connect/salesforce": ["base", "model", "http", "connect/connect.h"],
    "src/connect/scripted": ["base", "model", "connect/connect.h"],
    "src/engine": ["base", "model", "http", "vault", "formula", "store/store.h", "connect/connect.h"],
    "src/work": ["base", "model", "engine", "store/store.h"],
    "src/api": ["base", "model", "http", "vault", "engine", "work", "store/store.h", "connect/connect.h"],
    "src/cli": ["base", "model", "http", "vault", "formula", "engine", "work", "api", "store/store.h", "connect/connect.h"],
    "src/argil": ["base", "cli", "formula"],
    "src/localorg/org": ["base"],
    "src/localorg/seed": ["base", "localorg/org"],
    "src/localorg/soql": ["base", "localorg/org"],
    "src/localorg/streaming": ["base", "localorg/org"],
    "src/localorg/report": ["base", "localorg/org", "localorg/soql"],
    "src/localorg/xml": ["base"],
    "src/localorg/metadata": ["base", "localorg/org", "localorg/xml"],
    "src/localorg/search": ["base", "localorg/org", "localorg/soql"],
    "src/localorg/rest": ["base", "http", "localorg"],
}
# A header that two rooms below need from above, each with its reason.
EXCEPTIONS = {
    # validation rules are SOQL conditions: the org asks the compiler for them
    ("src/localorg/org", "localorg/soql/soql.h"),
}
BANNED = {
    r"\bstrcpy\s*\(": "strcpy: use snprintf or an arena",
    r"\bstrcat\s*\(": "strcat: use struct buf",
    r"\bsprintf\s*\(": "sprintf: use snprintf or buf_printf",
    r"\bvsprintf\s*\(": "vsprintf: use vsnprintf",
    r"\bgets\s*\(": "gets",
    r"\bstrtok\s*\(": "strtok: use strcspn",
    r"\batoi\s*\(": "atoi: use strtoll and check the end",
    r"\bsystem\s*\(": "system: nothing here runs a shell",
    r"\bpopen\s*\(": "popen: nothing here runs a shell",
    r"\btmpnam\s*\(": "tmpnam: use mkstemp",
    r"(?<![a-z_])rand\s*\(\)": "rand: randomness comes from the world",
}
# The clock and the dice belong to the world; these files are its edge.
WORLD = re.compile(r"\b(time|gettimeofday|getrandom|usleep|nanosleep)\s*\(")
WORLD_EDGE = {"src/base/world.c", "src/base/log.c", "src/formula/sandbox.c"}
LONG = {  # path -> why it may pass 800 lines
    "src/localorg/seed/demo.c": "one made-up world: its objects share one deck of dice and one age",
}


def room_of(path):
    best = ""
    for room in ROOMS:
        if path.startswith(room + "/") and len(room) > len(best):
            best = room
    return best


def allowed(room, header):
    here = room.removeprefix("src/")
    if header.startswith(here + "/") and "/" not in header[len(here) + 1:].replace("columns/", "").replace("sources/", "").replace("standard/", ""):
        return True
    if (room, header) in EXCEPTIONS:
        return True
    for may in ROOMS[room]:
        further = may.endswith(".h") and header.startswith(may.removesuffix(".h") + "_")
        if header == may or further or (not may.endswith(".h") and header.startswith(may + "/")):
            return not header.endswith("_priv.h")
    return False


def strip(text):
    """Source without comments and string contents, line numbers kept."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def check_file(path, problems):
    text = path.read_text(errors="replace")
    name = str(path.relative_to(ROOT))
    room = room_of(name)
    lines = text.count("\n")
    if not room:
        problems.append(f"{name}: belongs to no room of ARCHITECTURE.md")
        return
    if not text.startswith("/*"):
        problems.append(f"{name}:1: a file opens with its story, what it is for")
    if lines > 800 and name not in LONG:
        problems.append(f"{name}: {lines} lines; past 800 a file wants a reason in tools/check_rooms.py")
    for number, line in enumerate(text.split("\n"), 1):
        found = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if found and "/" in found.group(1) and not allowed(room, found.group(1)):
            problems.append(f"{name}:{number}: {room} may not include {found.group(1)}")
    code = strip(text)
    for pattern, why in BANNED.items():
        for found in re.finditer(pattern, code):
            problems.append(f"{name}:{code.count(chr(10), 0, found.start()) + 1}: banned call, {why}")
    if name not in WORLD_EDGE:
        for found in WORLD.finditer(code):
            problems.append(f"{name}:{code.count(chr(10), 0, found.start()) + 1}: "
                            f"{found.group(1)}: time, sleep and randomness come from struct world")


def cycles(graph):
    """Include cycles among headers."""
    state, found = {}, []

    def visit(node, way):
        state[node] = 1
        for to in graph.get(node, ()):
            if state.get(to) == 1:
                found.append(" -> ".join(way[way.index(to):] + [to]) if to in way else to)
            elif to not in state:
                visit(to, way + [to])
        state[node] = 2

    for node in graph:
        if node not in state:
            visit(node, [node])
    return found


def main():
    problems, graph = [], {}
    files = [p for p in sorted((ROOT / "src").rglob("*")) if p.suffix in (".c", ".h", ".cc")]
    for path in files:
        check_file(path, problems)
        if path.suffix == ".h":
            graph[str(path.relative_to(ROOT / "src"))] = re.findall(
                r'^\s*#\s*include\s+"([^"]+)"', path.read_text(), flags=re.M)
    problems += [f"include cycle: {c}" for c in cycles(graph)]
    for problem in problems:
        print(problem)
    print(f"{len(files)} files checked, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
