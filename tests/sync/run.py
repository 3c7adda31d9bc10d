#!/usr/bin/env python3
"""Stories of bringing records in with the real programs: killed at every page,
by REST and by Bulk; schedules. Names hold the row of the fault matrix."""
import json
import pathlib
import signal
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support_py"))
from programs import ARGIL, Org, Workspace, main  # noqa: E402

FIELDS = "Id, Name, NumberOfEmployees, LastModifiedDate"


def accounts(transport, every="24h", name="accounts", connection="demo"):
    return f"""
table: {name}
source:
  salesforce: {{ connection: {connection}, object: Account, fields: [{FIELDS}], transport: {transport} }}
  every: {every}
"""


def rows_of(w, table="accounts"):
    return [json.loads(line) for line in w.run("export", table, "--json").stdout.splitlines()]


def same_as_org(w, table="accounts"):
    """Every record of the org is there once, with its values."""
    mine = rows_of(w, table)
    theirs = {r["Id"]: r for r in w.org.query(f"SELECT {FIELDS} FROM Account")}
    assert len(mine) == len({r["Id"] for r in mine}), "a record is there twice"
    assert {r["Id"] for r in mine} == set(theirs), (len(mine), len(theirs))
    for row in mine:
        for field in FIELDS.split(", "):
            wanted = theirs[row["Id"]][field]
            assert row[field] == wanted or str(row[field]) == str(wanted), (field, row[field], wanted)


def killed_everywhere(transport, prepare):
    """kill -9 before the n-th durable step of the import, for every n, one process after the other."""
    with Workspace(scale=11) as w:
        prepare(w)
        w.argil("apply", w.recipe(accounts(transport)))
        kills = 0
        while True:
            # each process gets one step further than the one before, then dies
            done = w.run("sync", "accounts", "--json", env={"ARGIL_CRASH_AT": "K16:2"})
            if done.returncode == 0:
                break
            assert done.returncode in (-signal.SIGKILL, 137), (done.returncode, done.stderr)
            kills += 1
            assert kills < 200
        sync = json.loads(done.stdout)
        assert sync["complete"], sync
        assert w.run("sync", "accounts").returncode == 0
        same_as_org(w)
        return kills


def story_row_91_killed_before_every_page_by_rest():
    kills = killed_everywhere("rest", lambda w: w.org.control("POST", "/faults", {
        "path": "/query", "effect": "small_pages", "page_size": 500}))
    assert kills >= 20, kills


def story_row_91_killed_before_every_batch_by_bulk():
    kills = killed_everywhere("bulk", lambda w: None)
    assert kills >= 4, kills  # the job's id, then 5,000 records at a time


def story_killed_at_any_moment_of_a_bulk_import():
    with Workspace(scale=11) as w:
        w.argil("apply", w.recipe(accounts("bulk")))
        began = time.monotonic()
        w.argil("sync", "accounts")
        whole = time.monotonic() - began
        for part in range(1, 6):
            name = f"t{part}"
            w.argil("apply", w.recipe(accounts("bulk", name=name)))
            process = subprocess.Popen([str(ARGIL), "sync", name], env=w.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(whole * part / 6)
            process.kill()
            process.wait()
            assert w.argil("sync", name)["complete"]
            same_as_org(w, name)


def story_a_bulk_result_that_is_gone_is_made_anew():
    with Workspace(scale=11) as w:
        w.argil("apply", w.recipe(accounts("bulk")))
        assert w.run("sync", "accounts", env={"ARGIL_CRASH_AT": "K16:4"}).returncode in (-signal.SIGKILL, 137)
        jobs = w.org.get("/services/data/v66.0/jobs/query")["records"]
        assert len(jobs) == 1, jobs
        status, _ = w.org.call("DELETE", f"/services/data/v66.0/jobs/query/{jobs[0]['id']}")
        assert status == 204, status
        sync = w.argil("sync", "accounts")
        assert sync["complete"], sync
        same_as_org(w)


def until_rows(w, process):
    """The first page is stored: busy machines take their time."""
    for _ in range(600):
        with sqlite3.connect(f"file:{w.home}/data/workspace.db?mode=ro", uri=True) as db:
            if db.execute("SELECT row_count FROM tables").fetchone()[0]:
                return
        assert process.poll() is None, "it ended too soon"
        time.sleep(0.05)
    raise AssertionError("no page came")


def story_a_stopped_sync_goes_on_where_it_was():
    with Workspace(scale=11) as w:
        w.argil("apply", w.recipe(accounts("rest")))
        w.org.control("POST", "/faults", {"path": "/query", "effect": "small_pages", "page_size": 200, "delay_ms": 40})
        process = subprocess.Popen([str(ARGIL), "sync", "accounts"], env=w.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until_rows(w, process)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        w.org.control("DELETE", "/faults")
        some = len(rows_of(w))
        assert 0 < some < 11000, some
        sync = w.argil("sync", "accounts")
        assert sync["complete"] and sync["added"] == 11000 - some, sync
        same_as_org(w)


def make_due(w):
    with sqlite3.connect(w.home / "data/workspace.db") as db:
        assert db.execute("UPDATE schedules SET next_ms = 1").rowcount > 0


def lines_of(process):
    return [json.loads(line) for line in process.stdout.splitlines()]


def story_row_113_what_is_due_is_synced_once():
    with Workspace() as w:
        w.argil("apply", w.recipe(accounts("rest", every="daily at 06:00 Europe/Berlin")))
        first = w.argil("schedule", "list")
        assert first[0]["every"] == "daily at 06:00 Europe/Berlin" and first[0]["last"] == "", first
        assert w.run("schedule", "run-due", "--json").stdout == ""  # nothing is due yet
        make_due(w)
        done = w.run("schedule", "run-due", "--json")
        assert done.returncode == 0, done.stderr
        runs = lines_of(done)
        assert len(runs) == 1 and runs[0]["complete"] and "complete as of" in runs[0]["said"], runs
        assert w.run("schedule", "run-due", "--json").stdout == ""
        listed = w.argil("schedule", "list")[0]
        assert listed["next"] == first[0]["next"] and listed["last"], (first, listed)
        assert [r["state"] for r in w.argil("runs")] == ["done"]


def story_row_115_an_org_that_hangs_holds_back_no_other():
    with Workspace() as w:
        other = Org()
        try:
            w.argil("apply", w.recipe(accounts("rest", every="1h")))
            (w.home / "other").write_text(other.token)
            w.argil("connect", "other", "--url", other.url, "--access-token-file", str(w.home / "other"))
            w.argil("apply", w.recipe(accounts("rest", every="1h", name="others", connection="other")))
            w.run("schedule", "run-due")
            make_due(w)
            w.org.process.send_signal(signal.SIGSTOP)
            process = subprocess.Popen([str(ARGIL), "schedule", "run-due", "--json"], env=w.env, text=True, stdout=subprocess.PIPE)
            first = json.loads(process.stdout.readline())
            assert first["table"] == "others" and first["complete"], first
            w.org.process.send_signal(signal.SIGCONT)
            rest, _ = process.communicate(timeout=60)
            assert json.loads(rest)["table"] == "accounts", rest
        finally:
            w.org.process.send_signal(signal.SIGCONT)
            other.stop()


def story_a_bad_schedule_is_refused_with_examples():
    with Workspace() as w:
        for every in ("often", "cron 61 * * * *", "daily at 25:00", "daily at 06:00 Europe/Nowhere"):
            done = w.run("apply", w.recipe(accounts("rest", every=f"'{every}'")))
            assert done.returncode == 2 and every in done.stderr and ("daily at 06:00 Europe/Berlin" in done.stderr or "IANA name" in done.stderr), done.stderr


if __name__ == "__main__":
    sys.exit(main(globals()))
