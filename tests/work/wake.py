#!/usr/bin/env python3
"""A worker in a process of its own starts what a server queued without waiting for its next
look: that is an hour off here. And where no notification comes, it finds the job by looking.

Run by with_postgres.py, whose server ARGIL_TEST_POSTGRES names.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support_py"), str(HERE.parents[1] / "tools"), str(HERE.parent / "support")]
import demo  # noqa: E402
import programs  # noqa: E402
import with_postgres  # noqa: E402

HOUR_MS, SOON_MS = "3600000", "200"
DEADLINE_S = 120  # of what never comes
RECIPE = """
table: people
source:
  csv:
    fields: [Name]
columns:
  - name: Greeting
    merge: "Hello {{Name}}"
"""


class Worker:
    def __init__(self, look_ms):
        self.process = subprocess.Popen([str(programs.ARGIL), "--json", "worker"], stdout=subprocess.PIPE, text=True,
                                        env=dict(os.environ, ARGIL_LOOK_MS=look_ms))
        assert "epoch" in json.loads(self.process.stdout.readline())

    def stop(self):
        self.process.terminate()
        self.process.wait(90)


def sql(text):
    psql = with_postgres.programs() / "psql"
    done = subprocess.run([str(psql), os.environ["ARGIL_TEST_POSTGRES"], "-qAt", "-v", "ON_ERROR_STOP=1", "-c", text],
                          check=True, text=True, capture_output=True)
    return done.stdout.strip()


def order(server):
    return server.ask("POST", "/tables/people/runs", {"approve": True})["id"]


def wait_for(what, done):
    end = time.monotonic() + DEADLINE_S
    while not done():
        assert time.monotonic() < end, what
        time.sleep(0.002)


def wait_done(what, run):
    wait_for(what, lambda: sql(f"SELECT count(*) FROM argil.jobs WHERE run_id={run}") == "0")
    assert sql(f"SELECT state FROM argil.runs WHERE id={run}") == "1", what  # RUN_DONE


def story(home):
    os.environ.update(ARGIL_STORE=os.environ["ARGIL_TEST_POSTGRES"] + "&workspace=wake", ARGIL_DATA=str(home / "argil"),
                      XDG_CONFIG_HOME=str(home / "config"))
    subprocess.run([str(programs.ARGIL), "init", "--quiet"], check=True)
    server, worker = demo.Server(home, 0, ["--no-jobs"]), None
    try:
        server.ask("POST", "/recipes", {"recipe": RECIPE})
        before = order(server)
        worker = Worker(HOUR_MS)
        wait_done("a job that waited when the worker came", before)
        for n in range(4):
            wait_done(f"a job that the worker was told of ({n})", order(server))
        worker.stop()
        lost = order(server)
        job = sql(f"DELETE FROM argil.jobs WHERE run_id={lost} RETURNING row_to_json(jobs)")
        worker = Worker(SOON_MS)
        quoted = job.replace("'", "''")
        sql(f"INSERT INTO argil.jobs SELECT * FROM json_populate_record(NULL::argil.jobs, '{quoted}')")  # tells nobody
        wait_done("a job that nobody told of", lost)
    finally:
        if worker:
            worker.stop()
        server.stop()


def main():
    home = pathlib.Path(tempfile.mkdtemp(prefix="argil-wake-"))
    try:
        story(home)
        print("ok      a worker is woken by what a server queues\n1 passed, 0 failed")
        return 0
    except (AssertionError, OSError, subprocess.SubprocessError, demo.Failed, json.JSONDecodeError) as problem:
        print(f"FAILED  a worker is woken by what a server queues: {type(problem).__name__}: {problem} "
              f"{getattr(problem, 'stderr', '')}\n0 passed, 1 failed")
        return 1
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
