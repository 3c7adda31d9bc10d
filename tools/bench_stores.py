"""Bringing records in and writing back on SQLite and on PostgreSQL, one run: part of ./dev bench scale.

The same program, recipes and org; the org answers at once. ARGIL_BENCH_STORES is the number of
Accounts in thousands, 50 when not given. PostgreSQL syncs to disk here, as it does in earnest.
"""
import json
import os
import tempfile

from bench import accounts_recipe, info, measured_alone
from programs import ARGIL, Org, Workspace

WRITE = """
columns:
  - name: Write
    salesforce_update: { connection: demo, object: Account, id: "{{Id}}", transport: %s,
                         set: { Description: "%s {{Name}}" } }
"""


def timed(w, *words):
    done = measured_alone([str(ARGIL), *words, "--json"], w.env)
    assert done["code"] == 0, done["err"]
    return done, json.loads(done["out"])


def measure(thousands, database):
    """What -> (rows, wall, CPU of argil, CPU of the database)."""
    figures = {}
    os.environ.pop("ARGIL_STORE", None)
    if database:
        os.environ["ARGIL_STORE"] = database.url()
    with tempfile.TemporaryDirectory() as home:
        org = Org(data=f"{home}/org.db", scale=thousands, more=["--no-gzip"])
        org.control("POST", "/limits", {"daily_max": 100000000})

        def step(w, what, rows, *words):
            before = database.cpu() if database else 0
            done, out = timed(w, *words)
            figures[what] = (rows(out), done["wall"], done["cpu"], (database.cpu() if database else 0) - before)

        with Workspace(org=org) as w:
            w.argil("apply", w.recipe(accounts_recipe(WRITE % ("collections", "one"))))
            step(w, "first import, 20 columns, by Bulk", lambda out: out["rows"], "sync", "accounts")
            step(w, "import again in full, nothing changed", lambda out: out["rows"], "sync", "accounts", "--full")
            step(w, "updates by exchanges of 1,000 records", lambda out: out["updated"], "run", "accounts", "--yes")
            w.argil("apply", w.recipe(accounts_recipe(WRITE % ("bulk", "two"))))
            step(w, "updates by a Bulk job", lambda out: out["updated"], "run", "accounts", "--rows", "all", "--yes")
        org.stop()
    os.environ.pop("ARGIL_STORE", None)
    return figures


def side_by_side(server):
    thousands = int(os.environ.get("ARGIL_BENCH_STORES", "50"))
    lite = measure(thousands, None)
    with server as database:
        far = measure(thousands, database)
    print(f"SQLite and PostgreSQL side by side, {thousands},000 Accounts, an org without latency")
    for what, (rows, wall, cpu, _) in lite.items():
        there, long, busy, theirs = far[what]
        assert rows == there, (what, rows, there)
        info(f"  {what}", f"{rows:,} rows; SQLite {rows / wall:,.0f}/s, CPU {cpu:.1f} s; PostgreSQL {rows / long:,.0f}/s, "
             f"CPU {busy:.1f} s and {theirs:.1f} s of the database; {long / wall:.1f} times as long")
