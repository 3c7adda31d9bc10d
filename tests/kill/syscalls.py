#!/usr/bin/env python3
"""argil killed before each system call that reaches disk or network.

    syscalls.py [EVERY] [SEED]      ./dev kill syscalls [EVERY] [SEED]

A scripted scenario - a sync, a run that computes, creates leads with a look-up first
and updates accounts, a sync of what came back - is traced once for its calls (write,
pwrite, fsync, fdatasync, rename, unlink, ftruncate, connect, send, receive). Then it is
played again for every call (EVERY = 1) or each EVERY-th one from an offset drawn from
SEED, on a fresh copy of org and workspace: killed before that call, restarted - in half
of the cases killed once more, anywhere - and led to its end by plain runs. Oracles
(reliability C.1): no lead twice and none lost, every account updated, each operation
done, the sum of all states what was accepted, the table like the org, the audit chain
whole.
"""
import concurrent.futures
import os
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support_py"))
from programs import ARGIL, BUILD, Org, Workspace  # noqa: E402

KILL_AT = BUILD / "tests/kill/kill_at"
KILLED = 137
RECIPE = """
table: contacts
source:
  salesforce:
    connection: demo
    object: Contact
    fields: [Id, LastName, Email, AccountId, Account.Name]
    where: "Email LIKE 'al%'"
columns:
  - name: Greeting
    type: text
    formula: "`Dear ${ {{LastName}} }`"
  - name: New lead
    type: json
    salesforce_create:
      connection: demo
      object: Lead
      set: { LastName: "{{LastName}}", Company: "{{Account.Name}}", Email: "{{Email}}" }
      unless_found: { Email: "{{Email}}" }
  - name: Greeted
    type: json
    salesforce_update:
      connection: demo
      object: Contact
      id: "{{Id}}"
      set: { Description: "{{Greeting}}" }
"""
SCENARIO = (("sync", "contacts"), ("run", "contacts", "--yes"), ("sync", "contacts"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Stage:
    """Org and workspace as they were before the scenario, copied for every case. One a worker: its port stays."""

    def __init__(self):
        self.port = free_port()
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="argil-syscalls-"))
        org = Org(data=self.top / "org.db", port=self.port)
        self.w = Workspace(org=org, connect=False)
        self.w.argil("init")
        secret = self.w.home / "secret"
        secret.write_text(org.ready["client_secret"])
        self.w.argil("connect", "demo", "--client-credentials", "--url", org.url, "--client-id",
                     org.ready["client_id"], "--client-secret-file", str(secret))
        self.w.env["ARGIL_WRITE_BATCH"] = "5"
        self.w.argil("apply", self.w.recipe(RECIPE))
        self.before = {r["Email"].lower() for r in org.query("SELECT Email FROM Lead WHERE Email != null")}
        org.stop()
        self.clean = self.top / "clean"
        shutil.copytree(self.w.home, self.clean / "home")
        for file in self.top.glob("org.db*"):
            shutil.copy(file, self.clean)

    def reset(self):
        """A fresh org, running; the workspace is as it was."""
        for file in self.top.glob("org.db*"):
            file.unlink()
        for file in self.clean.glob("org.db*"):
            shutil.copy(file, self.top)
        self.put_back()
        self.w.org = Org(data=self.top / "org.db", port=self.port)
        return self.w.org

    def put_back(self):
        """Written over in place: a file with another number would be a copy, and argil would hold it."""
        clean = self.clean / "home"
        for path in sorted(self.w.home.rglob("*"), reverse=True):
            if not (clean / path.relative_to(self.w.home)).exists():
                path.rmdir() if path.is_dir() else path.unlink()
        for path in sorted(clean.rglob("*")):
            target = self.w.home / path.relative_to(clean)
            if path.is_dir():
                target.mkdir(exist_ok=True)
            else:
                shutil.copyfile(path, target)

    def traced(self, words, at=0):
        """(exit code, names of the calls made) of argil, killed before call `at`."""
        log = self.top / "calls"
        done = subprocess.run([str(KILL_AT), str(at), str(log), str(ARGIL), *words], env=self.w.env,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        return done.returncode, [line.split()[1] for line in log.read_text().splitlines()], done.stderr

    def close(self):
        self.w.close()
        shutil.rmtree(self.top, ignore_errors=True)


def calls_of(stage):
    """For each step of the scenario, the names of its calls."""
    org = stage.reset()
    try:
        steps = []
        for words in SCENARIO:
            code, calls, said = stage.traced(words)
            if code not in (0, 3) or not calls:
                raise SystemExit(f"argil {' '.join(words)} left with {code} while it was traced\n{said}")
            steps.append(calls)
        problems = wrong_at_the_end(stage)
        if problems:
            raise SystemExit("without a kill: " + "; ".join(problems))
        return steps
    finally:
        org.stop()


def to_its_end(w, words):
    """Plain runs until argil has nothing left to do. None, or what went wrong."""
    for _ in range(20):
        done = w.run(*words)
        if done.returncode in (0, 3):
            return None
        if done.returncode != 4:
            return f"argil {' '.join(words)} left with {done.returncode}: {done.stderr[:300]}"
        time.sleep(0.2)
    return f"argil {' '.join(words)} never ended: {done.stderr[:300]}"


def wrong_at_the_end(stage):
    """The oracles."""
    w, problems = stage.w, []
    contacts = w.org.query("SELECT Id, Email, LastName, Description FROM Contact WHERE Email LIKE 'al%'")
    leads = [r["Email"].lower() for r in w.org.query("SELECT Email FROM Lead WHERE Email != null")]
    wanted = {c["Email"].lower() for c in contacts}
    if len(contacts) < 10 or not wanted - stage.before:
        problems.append("the scenario writes nothing")
    problems += [f"lead {e} is there {leads.count(e)} times" for e in sorted(wanted - stage.before) if leads.count(e) != 1]
    problems += [f"contact {c['Id']} says {c['Description']!r}" for c in contacts
                 if c["Description"] != f"Dear {c['LastName']}"]
    states = w.journal()
    settled = states["done"]
    if states["total accepted"] != settled:
        problems.append(f"operations that are not done: {states}")
    made = len(contacts) + len([e for e in leads if e in wanted - stage.before])
    if settled != made:
        problems.append(f"{settled} operations are done, {made} writes are in the org")
    rows = {row["Id"]: row for row in w.argil("rows", "contacts", "--limit", "1000")["rows"]}
    if set(rows) != {c["Id"] for c in contacts}:
        problems.append(f"{len(rows)} rows in the table, {len(contacts)} contacts in the org")
    verified = w.run("audit", "verify")
    if verified.returncode:
        problems.append("audit verify: " + verified.stdout[:200] + verified.stderr[:200])
    return problems


def play(stage, step, at, dice):
    """One case: killed in a step before a call, then led to the end. (hit, what went wrong)"""
    org = stage.reset()
    try:
        for words in SCENARIO[:step]:
            wrong = to_its_end(stage.w, words)
            if wrong:
                return False, [wrong]
        code, _, said = stage.traced(SCENARIO[step], at)
        if code not in (KILLED, 0, 3, 4):
            return False, [f"left with {code}: {said[:300]}"]
        hit = code == KILLED
        if hit and dice.random() < 0.5:
            stage.traced(SCENARIO[step], 1 + dice.randrange(max(2, 2 * at)))
        for words in SCENARIO[step:]:
            wrong = to_its_end(stage.w, words)
            if wrong:
                return hit, [wrong]
        return hit, wrong_at_the_end(stage)
    finally:
        org.stop()


def main():
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int.from_bytes(os.urandom(4), "little")
    jobs = max(1, os.cpu_count() or 1)
    stages = [Stage() for _ in range(jobs)]
    here = threading.local()
    free = list(stages)

    def case(step, at, name):
        if not hasattr(here, "stage"):
            here.stage = free.pop()
        hit, problems = play(here.stage, step, at, random.Random(f"{seed} {step} {at}"))
        return step, at, name, hit, problems

    try:
        steps = calls_of(stages[0])
        for words, calls in zip(SCENARIO, steps):
            print(f"argil {' '.join(words)}: {len(calls)} calls, "
                  + ", ".join(f"{calls.count(n)} {n}" for n in sorted(set(calls), key=lambda n: -calls.count(n))))
        offset = random.Random(seed).randrange(every)
        flat = [(step, at + 1, name) for step, calls in enumerate(steps) for at, name in enumerate(calls)]
        chosen = flat[offset::every]
        print(f"{len(chosen)} of {len(flat)} calls, seed {seed}", flush=True)
        passed = failed = hits = 0
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for step, at, name, hit, problems in pool.map(lambda c: case(*c), chosen):
                hits += hit
                passed, failed = passed + (not problems), failed + bool(problems)
                for problem in problems:
                    print(f"FAILED  step {step + 1}, before call {at} ({name}): {problem}", flush=True)
                if (passed + failed) % 200 == 0:
                    print(f"{passed + failed} of {len(chosen)}, {hits} killed, {failed} failed, "
                          f"{time.monotonic() - began:.0f} s", flush=True)
        if hits < len(chosen) * 0.8:
            failed += 1
            print(f"FAILED  only {hits} of {len(chosen)} kills hit: the scenario does not repeat itself")
        print(f"{hits} kills before a call, seed {seed}")
        print(f"{passed} passed, {failed} failed")
        return 1 if failed or not passed else 0
    finally:
        for stage in stages:
            stage.close()


if __name__ == "__main__":
    sys.exit(main())
