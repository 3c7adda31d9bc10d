#!/usr/bin/env python3
"""Formula -> HTTP API -> write-back over every Account, killed again and again, restarted.

    kills.py [THOUSANDS of Accounts (1000)] [KILLS (20)] [SEED]

At the end every record of the org holds what its own row's formula and the API
make of it, every operation is done, and no cell is left in between.
"""
import pathlib
import random
import re
import resource
import signal
import subprocess
import sys
import time
import urllib.parse

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


def begin(w):
    return subprocess.Popen([str(ARGIL), "run", "accounts", "--yes", "--quiet"], env=w.env, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True)


def whole_life(w):
    process = begin(w)
    said = process.communicate()[1]
    assert process.returncode in (0, 4), (process.returncode, said)
    return process.returncode


def cut_short(w, reached):
    """A run that is killed when it has come to a place. False: it never did."""
    process = begin(w)
    with process.stderr:
        while process.poll() is None and not reached():
            pass
        killed_it = process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        return killed_it


def cut_while_asking(w, api, answers):
    """... while it waits for an answer of the API, after so many of them."""
    api.hold_after(answers)
    try:
        return cut_short(w, lambda: api.wait_held(0.05))
    finally:
        api.go_on()


def cut_while_writing(w, exchanges):
    """... while the org has written, behind so many exchanges of this life, and its answer is on the way."""
    w.org.control("POST", "/faults", {"name": "slow", "path_regex": "/composite|/jobs/ingest", "effect": "delay",
                                      "delay_after_ms": 1000, "after": exchanges})
    try:
        return cut_short(w, lambda: time.sleep(0.02) or w.org.control("GET", "/faults")[0]["hits"] > 0)
    finally:
        w.org.control("DELETE", "/faults")


def records(w):
    """Every Account, a page at a time: a million of them do not fit in here at once."""
    answer = w.org.get("/services/data/v66.0/query?q=" + urllib.parse.quote("SELECT Id, Name, Website FROM Account"))
    yield from answer["records"]
    while not answer["done"]:
        answer = w.org.get(answer["nextRecordsUrl"])
        yield from answer["records"]


def states_of(w):
    return {c["column"]: c["cells"] for c in w.argil("table", "show", "accounts")}


def killed(thousands, kills, seed, exchange=0, tell=lambda what: None):
    """How often it was killed, of `kills` times, and the rows. Two of three lives end while the API is asked,
    the others, which come later, while the org writes (`exchange` records at a time; 0 = as many as fit)."""
    dice = random.Random(seed)

    def life(kind, cut):
        hit = cut()
        tell(f"{kind}: {'killed' if hit else 'ended by itself'}")
        return hit

    with SmallApi() as api, Workspace(scale=thousands) as w:
        if exchange:
            w.env["ARGIL_WRITE_BATCH"] = str(exchange)
        w.argil("apply", w.recipe(RECIPE.format(api=api.url)))
        w.argil("sync", "accounts")
        asking = kills * 2 // 3
        most = max(1, thousands * 1000 // (asking + 1))
        tell("imported")
        hits = sum(life("asking", lambda: cut_while_asking(w, api, dice.randint(0, most))) for _ in range(asking))
        later = max(1, thousands // 10 // (kills - asking + 1))  # exchanges that go well before
        hits += sum(life("writing", lambda: cut_while_writing(w, dice.randint(0, later))) for _ in range(kills - asking))
        for _ in range(50):
            left = whole_life(w)
            tell(f"a whole life: left with {left}")
            if left == 0:
                break
            time.sleep(0.2)
        rows = w.org.count("SELECT COUNT() FROM Account")
        wrong = [r for r in records(w) if r["Website"] != wanted(r)]
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
    began = time.monotonic()

    def tell(what):
        print(f"{time.monotonic() - began:6.0f} s  {what}", flush=True)

    hits, rows = killed(*numbers, tell=tell)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{rows:,} rows, {hits} kills, {time.monotonic() - began:.0f} s ({used.ru_utime + used.ru_stime:.0f} s CPU): "
          "every record is right")
