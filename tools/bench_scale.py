"""./dev bench scale: one table's run by four workers beside one, over PostgreSQL.

The org answers every request 200 ms late. ARGIL_BENCH_SCALE is the number of writes in
thousands: 10 here, 100 for the figures in docs/performance.md. Workers, PostgreSQL and the
org share this machine's cores, so two pairs are measured: workers that wait for the org
(one exchange of 200 records under way each), where more of them must mean more; and
workers as they come, where one alone may already fill the machine: CPU is told beside it.
Then cells claimed a second, and bringing in and writing back, on both stores (bench_stores.py).
PostgreSQL syncs to disk here, as it does in earnest. ARGIL_BENCH_ONLY names some of
waits, full, claims, stores.
"""
import json
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time

import bench_stores
from bench import TICKS, cpu_of, info, verdict
from programs import ARGIL, BUILD, Org

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/support"))
import demo  # noqa: E402
import with_postgres  # noqa: E402

LATENCY_MS = 200

RECIPE = """
table: {table}
source:
  salesforce: {{ connection: prod, object: Account, fields: [Id, Name] }}
  every: manual
columns:
  - name: Write
    salesforce_update: {{ connection: prod, object: Account, id: "{{{{Id}}}}", transport: collections,
                          set: {{ Description: "{table} {{{{Name}}}}" }} }}
"""


class Pool:
    """Workers with the same options, and the CPU that they used."""

    def __init__(self, env, count, words):
        self.processes = [subprocess.Popen([str(ARGIL), "worker", "--name", f"w{n}", "--jobs", "1", "--json", *words],
                                           env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                          for n in range(count)]
        for process in self.processes:
            assert process.stdout.readline(), process.stderr.read()
        self.before = self.cpu()

    def cpu(self):
        return sum(cpu_of(process.pid) for process in self.processes)

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.communicate(timeout=90)


class Database(with_postgres.Server):
    def __init__(self):
        super().__init__({"fsync": "on", "full_page_writes": "on", "shared_buffers": "128MB"})

    def cpu(self):
        """Of the whole server: backends that ended are in their parent's account."""
        parent = int((self.data / "postmaster.pid").read_text().split()[0])
        ticks = 0
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(stat.parent.name) == parent:
                ticks += sum(int(n) for n in fields[11:15])
            elif int(fields[1]) == parent:
                ticks += int(fields[11]) + int(fields[12])
        return ticks / TICKS


class Place:
    """An org, a PostgreSQL, a server that takes no jobs itself."""

    def __init__(self, home, thousands):
        self.home = pathlib.Path(home)
        self.pg = Database()
        self.org = Org(data=f"{home}/org.db", scale=thousands, latency=LATENCY_MS, more=["--no-gzip"])
        self.org.control("POST", "/limits", {"daily_max": 100000000})
        self.env = dict(os.environ, ARGIL_DATA=f"{home}/argil", XDG_CONFIG_HOME=f"{home}/config",
                        ARGIL_STORE=self.pg.url(), ARGIL_INSECURE_HOST="127.0.0.1", ARGIL_ALLOW_PRIVATE_HTTP="1")
        os.environ.update({name: value for name, value in self.env.items() if name.startswith("ARGIL_")})
        subprocess.run([str(ARGIL), "init", "--quiet"], check=True, env=self.env)
        self.server = demo.Server(self.home, 0, ["--no-jobs"])
        self.server.connect("prod", self.org)

    def sql(self, text):
        return self.pg.sql("SET search_path=argil; " + text)

    def wait_for(self, run):
        """Milliseconds from its first start to its end."""
        while True:
            state, began, ended, error = self.sql(f"SELECT state, started_ms, ended_ms, error FROM runs WHERE id={run}").split("|")
            if state not in ("0", "5"):
                assert state == "1", (state, error)
                return int(ended) - int(began)
            time.sleep(0.3)

    def give_table(self, table):
        self.server.ask("POST", "/recipes", {"recipe": RECIPE.format(table=table)})
        pool = Pool(self.env, 1, [])
        self.wait_for(self.server.ask("POST", f"/tables/{table}/syncs", {})["id"])
        pool.stop()

    def measure(self, table, workers, batch, calls):
        """(seconds, workers' CPU, database's CPU, org's CPU, how many workers did parts)."""
        env = dict(self.env, **({"ARGIL_WRITE_BATCH": str(batch)} if batch else {}))
        pool = Pool(env, workers, ["--calls-at-once", str(calls)])
        org, database = cpu_of(self.org.process.pid), self.pg.cpu()
        run = self.server.ask("POST", f"/tables/{table}/runs", {"approve": True})["id"]
        took = self.wait_for(run) / 1000
        cpu = pool.cpu() - pool.before
        org, database = cpu_of(self.org.process.pid) - org, self.pg.cpu() - database
        pool.stop()
        states = self.sql("SELECT o.state, count(*), count(DISTINCT o.epoch) FROM ops o JOIN tables t ON t.ws=o.ws AND "
                          f"t.id=o.table_id WHERE t.name='{table}' GROUP BY 1").split("\n")
        assert len(states) == 1 and states[0].startswith("6|"), states
        _, writes, epochs = (int(n) for n in states[0].split("|"))
        return took, writes, cpu, database, org, epochs

    def close(self):
        self.server.stop()
        self.org.stop()
        self.pg.close()


def pair(place, name, batch, calls_each):
    figures = {}
    for workers in (1, 4):
        table = f"{name}{workers}"
        place.give_table(table)
        took, writes, cpu, database, org, epochs = place.measure(table, workers, batch, calls_each * workers)
        figures[workers] = took
        info(f"  {workers} worker{'s' * (workers > 1)}", f"{took:.1f} s, {writes / took:,.0f} writes/s; CPU: workers {cpu:.1f} s, "
             f"PostgreSQL {database:.1f} s, org {org:.1f} s; {epochs} sent")
    ratio = figures[1] / figures[4]
    return ratio


def bench_claims(rows):
    """Cells that become a worker's own, a second: on both stores, the same program."""
    for name in ("sqlite", "postgres"):
        command = [str(BUILD / "tests/store/bench_store_sqlite"), str(rows), "1000"]
        if name == "postgres":
            command = [sys.executable, str(pathlib.Path(with_postgres.__file__)), "sh", "-c",
                       f'ARGIL_BENCH_STORE=$ARGIL_TEST_POSTGRES exec {" ".join(command)}']
        env = {k: v for k, v in os.environ.items() if k not in ("ARGIL_TEST_POSTGRES", "ARGIL_STORE")}
        out = subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout
        for line in out.splitlines():
            found = re.match(r"(claim .*?)\s+(\d+) /s", line)
            if found:
                verdict(f"{name}: {found[1]}", f"{int(found[2]):,} cells/s", "", ">= 20,000", int(found[2]) >= 20000)


def bench_workers(only):
    thousands = int(os.environ.get("ARGIL_BENCH_SCALE", "10"))
    with tempfile.TemporaryDirectory() as home:
        place = Place(home, thousands)
        try:
            count = place.org.count("SELECT COUNT() FROM Account")
            if "waits" in only:
                print(f"{count:,} updates of an org with {LATENCY_MS} ms latency, each worker one exchange of 200 records at once")
                ratio = pair(place, "waits", 200, 1)
                verdict("  4 workers beside 1", f"{ratio:.2f} times as many", "", ">= 3.50", ratio >= 3.5)
            if "full" in only:
                print(f"{count:,} updates, workers as they come: up to 8 exchanges of 1,000 records at once, 25 of the connection")
                ratio = pair(place, "full", 0, 25)
                info("  4 workers beside 1", f"{ratio:.2f} times as many")
        finally:
            place.close()


def main():
    only = os.environ.get("ARGIL_BENCH_ONLY", "waits full claims stores").replace(",", " ").split()
    if "waits" in only or "full" in only:
        bench_workers(only)
    if "claims" in only:
        bench_claims(20000)
    if "stores" in only:
        bench_stores.side_by_side(Database())
