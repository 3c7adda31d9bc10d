#!/usr/bin/env python3
"""Formula -> HTTP API -> write-back over every Account, killed again and again, restarted.

    kills.py [THOUSANDS of Accounts (1000)] [KILLS (20)] [SEED]

At the end every record of the org holds what its own row's formula and the API
make of it, every operation is done, and no cell is left in between.
"""
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support_py"))
from programs import ARGIL, Workspace  # noqa: E402
from small_api import SmallApi  # noqa: E402

RECIPE = """
table: accounts
source:
  salesforce: {{ connection: demo, object: Account, fields: [Id, Name] }}
columns:
  - name: Slug
    formula: "{{{{Name}}}}.toLowerCase().replace(/[^a-z0-9]+/g, '-') + {{{{Id}}}}.slice(-8, -3)"
  - name: Site
    type: url
    http: {{ url: "{api}/site", query: {{ slug: "{{{{Slug}}}}" }}, path: site, concurrency: 32, allow_http: true, allow_private: true }}
  - name: Back
    salesforce_update: {{ connection: demo, object: Account, id: "{{{{Id}}}}", set: {{ Website: "{{{{Site}}}}" }} }}
guard: {{ max_writes_per_run: 100000000 }}
"""


def wanted(record):
    slug = re.sub("[^a-z0-9]+", "-", record["Name"].lower()) + record["Id"][-8:-3]
    return f"https://{slug}.example"


def life(w, seconds):
    """A run that is killed after so long; its exit code, or None."""
    process = subprocess.Popen([str(ARGIL), "run", "accounts", "--yes", "--quiet"], env=w.env, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    try:
        process.wait(seconds)
        said = process.stderr.read()
        assert process.returncode in (0, 4), (process.returncode, said)
        return process.returncode
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return None
    finally:
        process.stderr.close()


def states_of(w):
    return {c["column"]: c["cells"] for c in w.argil("table", "show", "accounts")}


def killed(thousands, kills, seed, shortest=0.05, longest=None):
    """How often it was killed. The first life tells how long a whole one takes."""
    dice = random.Random(seed)
    with SmallApi() as api, Workspace(scale=thousands) as w:
        w.argil("apply", w.recipe(RECIPE.format(api=api.url)))
        w.argil("sync", "accounts")
        longest, hits = longest or 0.6 * max(1, thousands), 0
        while hits < kills:
            if life(w, dice.uniform(shortest, longest)) is not None:
                break
            hits += 1
        for _ in range(50):
            if life(w, 36000) == 0:
                break
            time.sleep(0.2)
        rows = w.org.count("SELECT COUNT() FROM Account")
        wrong = [r for r in w.org.query("SELECT Id, Name, Website FROM Account") if r["Website"] != wanted(r)]
        assert not wrong, f"{len(wrong)} of {rows} records are wrong, such as {wrong[:3]}"
        journal, cells = w.journal(), states_of(w)
        left = {state: count for state, count in journal.items() if count and state not in ("done", "total accepted")}
        assert journal["done"] >= rows and not left, journal
        for column in ("Slug", "Site", "Back"):
            assert cells[column] == f"{rows:,} ok", (column, cells[column])
    return hits, rows


if __name__ == "__main__":
    numbers = [int(n) for n in sys.argv[1:]] + [1000, 20, int(time.time())][len(sys.argv) - 1:]
    print(f"seed {numbers[2]}", flush=True)
    hits, rows = killed(*numbers)
    print(f"{rows:,} rows, {hits} kills: every record is right")
