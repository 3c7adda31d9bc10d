#!/usr/bin/env python3
"""kill -9 of argil at N random moments while it writes, restarted each time.

    kill_demo.py [N] [SEED]

Rounds: a fresh org and workspace, `argil run` killed after a random time again
and again until it has nothing left to do; then the org is asked what it holds.
Only kills in the write phase count: operations were open
after it, or had been settled during that life. Oracles at the end of
each round: no lead twice, none lost, every operation DONE, REJECTED or IN DOUBT
with its reason, and as many records as DONE operations.
"""
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support_py"))
from programs import ARGIL, Workspace  # noqa: E402

RECIPE = """
table: contacts
source:
  salesforce:
    connection: demo
    object: Contact
    fields: [Id, LastName, Email, Account.Name]
    where: "Email != null"
columns:
  - name: New lead
    type: json
    salesforce_create:
      connection: demo
      object: Lead
      set: { LastName: "{{LastName}}", Company: "{{Account.Name}}", Email: "{{Email}}" }
      unless_found: { Email: "{{Email}}" }
"""


def emails(org, object_name):
    found = {}
    for record in org.query(f"SELECT Id, Email FROM {object_name} WHERE Email != null"):
        found.setdefault(record["Email"].lower(), []).append(record["Id"])
    return found


def life(w, seconds):
    """One run of argil, killed after so many seconds. Its exit code, or None when killed."""
    process = subprocess.Popen([str(ARGIL), "run", "contacts", "--yes", "--quiet"], env=w.env,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        process.wait(seconds)
        return process.returncode, process.stderr.read()
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return None, ""
    finally:
        process.stderr.close()


def open_operations(states):
    return sum(states.get(s, 0) for s in ("planned", "sending", "unknown", "reconciling", "retry safe"))


def round_of_kills(dice, left, number):
    """Kills that hit during the write phase, and what went wrong."""
    problems, hits = [], 0
    with Workspace(latency=dice.choice([0, 5, 20])) as w:
        w.env["ARGIL_WRITE_BATCH"] = str(dice.choice([7, 23, 60, 200]))
        w.argil("apply", w.recipe(RECIPE))
        w.argil("sync", "contacts")
        before = emails(w.org, "Lead")
        wanted = emails(w.org, "Contact")
        done = 0
        for _ in range(400):
            code, said = life(w, dice.uniform(0.02, 0.35))
            if code is None:
                states = w.journal()
                hits += open_operations(states) > 0 or states["done"] > done
                done = states["done"]
            elif code in (0, 3):
                break
            elif code != 4:
                problems.append(f"argil left with {code}: {said[:500]}")
                break
            if hits >= left:
                break
        final = w.run("run", "contacts", "--yes")
        for _ in range(20):
            if final.returncode != 4:
                break
            time.sleep(0.5)
            final = w.run("run", "contacts", "--yes")
        if final.returncode not in (0, 3):
            problems.append(f"the last run left with {final.returncode}: {final.stderr[:500]}")
        after = emails(w.org, "Lead")
        states = w.journal()
        for email, ids in after.items():
            if len(ids) > max(1, len(before.get(email, []))):
                problems.append(f"{email} is there {len(ids)} times: {ids}")
        lost = [e for e in wanted if e not in after]
        unsettled = states.get("in doubt", 0) + states.get("rejected", 0)
        refused = [c for c in w.argil("table", "show", "contacts") if c["column"] == "New lead"][0]["cells"]
        if lost and "refused" not in refused and len(lost) > unsettled:
            problems.append(f"{len(lost)} leads lost, for example {lost[:3]}; {states}; {refused}")
        if open_operations(states):
            problems.append(f"operations are still open: {states}")
        made = sum(len(v) for v in after.values()) - sum(len(v) for v in before.values())
        if made > states.get("done", 0):
            problems.append(f"{made} leads made, {states.get('done', 0)} operations done")
        for op in w.argil("journal", "list", "--state", "in-doubt,rejected", "--limit", "1000"):
            if not op["why"]:
                problems.append(f"operation {op['op']} is {op['state']} without a reason")
        print(f"round {number}: {hits} kills, {made} leads made, states {states}", flush=True)
    return hits, problems


def main():
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int.from_bytes(os.urandom(4), "little")
    print(f"{wanted} kills, seed {seed}", flush=True)
    dice = random.Random(seed)
    kills, number, problems = 0, 0, []
    while kills < wanted and not problems and number < wanted:
        number += 1
        hits, found = round_of_kills(dice, wanted - kills, number)
        kills += hits
        problems += found
    for problem in problems:
        print(f"FAILED  {problem}")
    if kills < wanted and not problems:
        problems.append("too few kills")
        print(f"FAILED  only {kills} of {wanted} kills hit a running argil")
    print(f"{kills} kills in {number} rounds, seed {seed}")
    print(f"{0 if problems else 1} passed, {1 if problems else 0} failed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
