"""./dev bench columns: formulas beside Node, HTTP API columns, memory.

Formulas: the engine alone (tests/bench/formula), rows through the sandbox and back on one core, beside the
same expression over the same rows in Node on the same core (JSON in, JSON out, as a worker has it), plain and
with the libraries. HTTP: the CPU of argil for each request at 64 at once, against a quick server in another
process, beside a bare program with the same libcurl (tests/bench/http_floor). Memory: the peak of
a run over ten times so many rows, beside that over so many, of a formula and of an HTTP API column. ARGIL_BENCH_ROWS rows
(100000), ten times as many for the formula and a fifth for HTTP; rounds alternate. ARGIL_BENCH_PART: one of formula, http, memory alone.
"""
import json
import os
import pathlib
import statistics
import subprocess
import tempfile

import bench
from bench import info, measured_alone, verdict
from programs import ARGIL, BUILD, ROOT, Workspace
from server import NoOrg
from small_api import SmallApi

ROWS = int(os.environ.get("ARGIL_BENCH_ROWS", "100000"))
LIBRARIES = ROOT / "build-libraries/libraries.js"
WORKER = BUILD / "tests/formula/formula_worker_for_tests"
ROUNDS = int(os.environ.get("ARGIL_BENCH_ROUNDS", "3"))
FORMULA = ("`${{{Name}}?.trim() ?? ''} (${{{Rating}} ?? 'n/a'}) ${({{Employees}} ?? 0) > 1000 ? 'large' : 'small'}`")
HTTP = ("  - name: Site\n    http: { url: \"%s/site?slug={{Id}}\", concurrency: 64, allow_http: true, "
        "allow_private: true }\n")
WITH_LIBRARIES = "_.capitalize({{Name}}?.trim()) + ' ' + SUM({{Employees}}, 1)"

NODE = """
const rows = Number(process.argv[2]), BATCH = 1000;
if (process.argv[4]) require('vm').runInThisContext(require('fs').readFileSync(process.argv[4], 'utf8'));
const f = new Function('__v', '"use strict"; return (' + process.argv[3].replace(/\\{\\{Name\\}\\}/g, '__v[0]')
  .replace(/\\{\\{Employees\\}\\}/g, '__v[1]').replace(/\\{\\{Rating\\}\\}/g, '__v[2]') + ')');
let good = 0;
const began = process.hrtime.bigint();
for (let at = 0; at < rows; at += BATCH) {
  const parts = [];
  for (let i = at; i < at + BATCH; i++) parts.push(`[" Company ${i} ",${i % 5000},${i % 3 ? '"Hot"' : 'null'}]`);
  const text = '[' + parts.join(',') + ']';
  const out = JSON.stringify(JSON.parse(text).map(row => ({v: f(row)})));
  for (const one of JSON.parse(out)) good += one.v !== undefined;
}
console.log(JSON.stringify({rows, good, wall_s: Number(process.hrtime.bigint() - began) / 1e9}));
"""


def on_one_core(command):
    done = subprocess.run(["taskset", "-c", "0", *command], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def bench_formula(node, home):
    script = home / "formula.js"
    script.write_text(NODE)
    own, theirs, rows = [], [], ROWS * 10
    for _ in range(ROUNDS):
        own.append(on_one_core([str(BUILD / "tests/bench/formula"), str(WORKER), str(rows), FORMULA]))
        theirs.append(on_one_core([node, str(script), str(rows), FORMULA]))
    rate = statistics.median(r["rows"] / r["wall_s"] for r in own)
    per_cpu = statistics.median(r["rows"] / r["cpu_s"] for r in own)
    base = statistics.median(r["rows"] / r["wall_s"] for r in theirs)
    ratio = statistics.median(b["wall_s"] / a["wall_s"] for a, b in zip(own, theirs))
    verdict(f"formula, {rows:,} rows, 3 inputs, one core", f"{rate:,.0f} rows/s ({per_cpu:,.0f} a CPU s)",
            f"Node (JIT): {base:,.0f} rows/s", ">= 500,000 rows/s a CPU s", per_cpu >= 500000)
    info("  beside Node of the same round", f"{ratio:.2f} of its speed")
    info("  peak memory", f"{own[0]['peak_mb']:.0f} MB, worker {own[0]['worker_mb']:.0f} MB")
    plain = statistics.median(r["start_ms"] for r in own)
    libraries = on_one_core([str(BUILD / "tests/bench/formula"), str(WORKER), str(ROWS), WITH_LIBRARIES])
    base = on_one_core([node, str(script), str(ROWS), WITH_LIBRARIES, str(LIBRARIES)])
    assert libraries["good"] == base["good"] == ROWS, (libraries, base)
    info("  a worker's start, plain and with libraries", f"{plain:.0f} ms, {libraries['start_ms']} ms; "
         f"worker {own[0]['worker_mb']:.0f} and {libraries['worker_mb']:.0f} MB")
    info("  with lodash and SUM", f"{ROWS / libraries['wall_s']:,.0f} rows/s; Node (JIT): {ROWS / base['wall_s']:,.0f} rows/s, "
         f"{base['wall_s'] / libraries['wall_s']:.2f} of its speed")


def table(w, rows, column):
    file = w.home / "rows.csv"
    with open(file, "w") as out:
        out.write("Id,Name,Employees\n")
        out.writelines(f"{i},Company {i},{i % 5000}\n" for i in range(rows))
    w.argil("apply", w.recipe(f"table: rows\nsource:\n  csv: {{ file: {file}, fields: [Id, Name, {{Employees: {{type: number}}}}] }}\n"
                              f"  unique_by: Id\ncolumns:\n{column}"))
    w.argil("sync", "rows")


def run_over(rows, column):
    w = Workspace(org=NoOrg(), connect=False)
    try:
        w.argil("init")
        table(w, rows, column)
        return measured_alone([str(ARGIL), "run", "rows", "--json"], w.env)
    finally:
        w.close()


def http_floor(api, rows):
    done = subprocess.run([str(BUILD / "tests/bench/http_floor"), api.url, str(rows)], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["cpu_s"] / rows * 1e6


def bench_http():
    rows = ROWS // 5
    each, floor, rates = [], [], []
    with SmallApi() as api:
        for _ in range(ROUNDS):
            floor.append(http_floor(api, rows))
            got = run_over(rows, HTTP % api.url)
            report = json.loads(got["out"])
            assert report["cells_computed"] == report["http_requests"] == rows, report
            each.append(got["cpu"] / rows * 1e6)
            rates.append(rows / got["wall"])
    ratio = statistics.median(a / b for a, b in zip(each, floor))
    own = statistics.median(each)
    verdict(f"HTTP API column, {rows:,} requests, 64 at once", f"{own:.0f} us CPU a request",
            f"bare libcurl: {statistics.median(floor):.0f} us", "<= 60 us", own <= 60)
    info("  beside the bare program of the same round", f"{ratio:.2f} times its CPU; {statistics.median(rates):,.0f} requests/s")


def memory_of(name, column):
    few, many = run_over(ROWS, column), run_over(ROWS * 10, column)
    verdict(f"memory of a run, {name}, {ROWS * 10:,} rows", f"{many['mb']:.0f} MB", f"{ROWS:,} rows: {few['mb']:.0f} MB",
            "<= 1.2 times", many["mb"] <= few["mb"] * 1.2)
    info("  store and start included", f"{ROWS * 10 / many['wall']:,.0f} rows/s, {many['cpu'] / ROWS / 10 * 1e6:.1f} us CPU a row")


def bench_memory():
    memory_of("formula", "  - name: F\n    formula: \"`${{{Name}}} ${{{Employees}}}`\"\n")
    with SmallApi() as api:
        memory_of("HTTP API", HTTP % api.url)


def main(node):
    part = os.environ.get("ARGIL_BENCH_PART")
    if part in (None, "formula"):
        with tempfile.TemporaryDirectory() as home:
            bench_formula(node, pathlib.Path(home))
    if part in (None, "http"):
        bench_http()
    if part in (None, "memory"):
        bench_memory()
