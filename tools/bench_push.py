"""./dev bench push: writing records back, beside what it is measured against.

Baselines of the same run: jsforce one record at a time (a query, then a create; a
sample, scaled up) and jsforce's collections (200 records a call, with look-ups by IN
of 200 keys). ARGIL_BENCH_SCALE is the number of creates in thousands: 20 here, 100 for
the figures in docs/performance.md.
"""
import json
import math
import os
import pathlib
import re
import tempfile

import bench
from bench import cpu_around, info, measured_alone, verdict
from programs import ARGIL, BUILD, Org, Workspace

LATENCY_MS = 200
UPDATES = 20000
CONCURRENCY = 8  # exchanges that argil has under way at most (src/engine/journal_send.c)
SAMPLE = 300     # records of the one-at-a-time baseline

CREATES = """
table: accounts
source:
  salesforce: { connection: demo, object: Account, fields: [Id, Name] }
columns:
  - name: Mail
    formula: "{{Id}}.toLowerCase() + '@bench.example'"
  - name: Lead
    type: json
    salesforce_create:
      connection: demo
      object: Lead
      transport: %s
      set: { LastName: "{{Name}}", Company: "{{Name}}", Email: "{{Mail}}" }
      unless_found: { Email: "{{Mail}}" }
guard: { max_writes_per_run: 10000000 }
"""

UPDATE = """
table: accounts
source:
  salesforce: { connection: demo, object: Account, fields: [Id, Name] }
columns:
  - name: Write
    salesforce_update: { connection: demo, object: Account, id: "{{Id}}", set: { Description: "bench {{Name}}" } }
guard: { max_writes_per_run: 10000000 }
"""

JSFORCE = """
const jsforce = require('jsforce');
const org = JSON.parse(process.env.LOCALORG);
const conn = new jsforce.Connection({instanceUrl: org.url, accessToken: org.access_token, version: '64.0'});
const wanted = +process.env.COUNT, size = +process.env.SIZE;
(async () => {
  const rows = [];
  for (let i = 0; i < wanted; i++) rows.push({LastName: 'N' + i, Company: 'C' + i, Email: process.env.TAG + i + '@js.example'});
  let calls = 0, made = 0;
  for (let at = 0; at < rows.length; at += size) {
    const part = rows.slice(at, at + size);
    const found = await conn.sobject('Lead').find({Email: {$in: part.map(r => r.Email)}}, 'Id, Email');
    const there = new Set(found.map(r => r.Email)), fresh = part.filter(r => !there.has(r.Email));
    const results = size === 1 ? [await conn.sobject('Lead').create(fresh[0])] : await conn.sobject('Lead').create(fresh);
    made += results.filter(r => r.success).length;
    calls += 2;
  }
  console.log(JSON.stringify({calls, made}));
})().catch(e => { console.error(e); process.exit(1); });
"""


def jsforce(org, node, modules, home, count, size, tag):
    script = pathlib.Path(home) / "create.js"
    script.write_text(JSFORCE)
    result = measured_alone([node, str(script)], dict(os.environ, NODE_PATH=modules, LOCALORG=json.dumps(org.ready),
                                                      COUNT=str(count), SIZE=str(size), TAG=tag))
    result.update(json.loads(result["out"]))
    assert result["made"] == count, result
    return result


def argil_creates(org, count, transport):
    """One run of argil that looks up and creates."""
    with Workspace(org=org) as w:
        w.argil("apply", w.recipe(CREATES % transport))
        w.argil("sync", "accounts")
        first = measured_alone([str(ARGIL), "run", "accounts", "--yes", "--json"], w.env)
        run = json.loads(first["out"])
        assert run["created"] == count, run
        assert org.count("SELECT COUNT() FROM Lead WHERE Email LIKE '%@bench.example'") == count
        first.update(run)
        return first


def forget_leads(org):
    """A fresh start for the next way of writing."""
    ids = [r["Id"] for r in org.query("SELECT Id FROM Lead WHERE Email LIKE '%@bench.example' OR Email LIKE '%@js.example'")]
    for at in range(0, len(ids), 200):
        status, _ = org.call("DELETE", "/services/data/v64.0/composite/sobjects?ids=" + ",".join(ids[at:at + 200]))
        assert status == 200


def bench_creates(org, node, modules, home, count):
    mine = argil_creates(org, count, "collections")
    forget_leads(org)
    jobs = argil_creates(org, count, "bulk")
    forget_leads(org)
    batched = jsforce(org, node, modules, home, count, 200, "b")
    single = jsforce(org, node, modules, home, SAMPLE, 1, "s")
    forget_leads(org)
    verdict(f"{count:,} creates with look-up first: API calls", f"{mine['api_calls']}",
            f"one by one {2 * count:,}, jsforce by 200 {batched['calls']:,}",
            f"<= {math.ceil(count / 500)}", mine["api_calls"] <= math.ceil(count / 500))
    verdict("  the same by Bulk jobs: API calls", f"{jobs['api_calls']}", "", f"<= {max(12, math.ceil(count / 1250))}",
            jobs["api_calls"] <= max(12, math.ceil(count / 1250)))
    info("  CPU of the client", f"{mine['cpu']:.1f} s; by Bulk jobs {jobs['cpu']:.1f} s; jsforce by 200 {batched['cpu']:.1f} s, one by one "
         f"{single['cpu'] / SAMPLE * count:.0f} s (from {SAMPLE})")
    info("  wall", f"{mine['wall']:.1f} s; by Bulk jobs {jobs['wall']:.1f} s; jsforce by 200 {batched['wall']:.1f} s, one by one "
         f"{single['wall'] / SAMPLE * count:.0f} s (from {SAMPLE})")
    info("  peak memory", f"{mine['mb']:.0f} MB; by Bulk jobs {jobs['mb']:.0f} MB; jsforce by 200 {batched['mb']:.0f} MB")


def push_cost(org, count, how):
    """CPU of a run that looks up and creates, with the journal or without it (tests/bench/push_cost.c)."""
    with Workspace(org=org) as w:
        w.argil("apply", w.recipe(CREATES % "collections"))
        w.argil("sync", "accounts")
        w.argil("run", "accounts", "--column", "Mail", "--yes")
        cost = measured_alone([str(BUILD / "tests/bench/push_cost"), w.env["ARGIL_DATA"], "accounts", how],
                              dict(w.env, ARGIL_FORMULA_WORKER=str(ARGIL)))
    figures = json.loads(cost["out"])
    assert figures["created"] == count, figures
    assert org.count("SELECT COUNT() FROM Lead WHERE Email LIKE '%@bench.example'") == count
    forget_leads(org)
    return figures["cpu"]


def journal_floor(org, count):
    """tests/bench/journal_floor.c in a new workspace."""
    with Workspace(org=org) as w:
        done = measured_alone([str(BUILD / "tests/bench/journal_floor"), f"{w.env['ARGIL_DATA']}/workspace.db", str(count)], w.env)
    assert done["code"] == 0, done["err"]
    return json.loads(done["out"])


def bench_journal(org, count):
    pairs = [(push_cost(org, count, "with"), push_cost(org, count, "without")) for _ in range(3)]
    took, bare = (sum(cpu) / len(pairs) for cpu in zip(*pairs))
    shares = ", ".join(f"{a / b - 1:.2f}" for a, b in pairs)
    verdict("CPU of the creates with the journal", f"{took:.2f} s", f"the same without it {bare:.2f} s",
            f"{took / bare - 1:.2f} <= 0.30", took / bare - 1 <= 0.3)
    info("  more with it, each of three runs", shares)
    floor = journal_floor(org, count)
    info("  an operation costs it", f"{(took - bare) / count * 1e6:.1f} us; SQLite alone, the same rows, indexes and steps: {floor['all']:.1f} us "
         f"(planned {floor['plan']:.1f}, marked {floor['mark']:.1f}, settled {floor['settle']:.1f})")
    info("  so the least that can be had", f"{floor['all'] * count / 1e6 / bare:.2f} more")


def bench_planning(count):
    peaks = {}
    for rows in (count // 10, count):
        result = measured_alone([str(BUILD / "tests/store/bench_store_sqlite"), str(rows), "2000"])
        peaks[rows] = float(re.search(r"peak ([\d.]+) MB", result["out"])[1])
    plan = re.search(r"plan (\d+) /CPU-s, sending (\d+) /CPU-s, settle (\d+) /CPU-s", result["out"])
    verdict(f"{count:,} operations planned, a CPU second", f"{int(plan[1]):,}", "", "> 50,000", int(plan[1]) > 50000)
    info("  sending, settled, a CPU second", f"{int(plan[2]):,}, {int(plan[3]):,}")
    grown = peaks[count] - peaks[count // 10]
    verdict(f"peak memory, {count // 10:,} to {count:,}", f"{peaks[count // 10]:.0f} to {peaks[count]:.0f} MB", "",
            "+ 8 MB at most", grown <= 8)


def bench_latency(home):
    """20,000 updates of an org that takes 200 ms for each answer, whatever it is asked."""
    org = Org(data=f"{home}/slow.db", scale=UPDATES // 1000, latency=LATENCY_MS, more=["--no-gzip"])
    try:
        org.control("POST", "/limits", {"daily_max": 10000000})
        with Workspace(org=org) as w:
            w.argil("apply", w.recipe(UPDATE))
            w.argil("sync", "accounts")
            run, served = cpu_around(org, lambda: measured_alone([str(ARGIL), "run", "accounts", "--yes", "--json"], w.env))
            report = json.loads(run["out"])
            assert report["updated"] == UPDATES, report
            writes = math.ceil(UPDATES / 1000)
            asking = report["api_calls"] - writes
            bound = (asking + math.ceil(writes / CONCURRENCY)) * LATENCY_MS / 1000 + served
            verdict(f"{UPDATES:,} updates, {LATENCY_MS} ms latency: wall", f"{run['wall']:.2f} s",
                    f"org's own: {asking} + {writes}/{CONCURRENCY} answers, {served:.1f} s work = {bound:.2f} s",
                    f"{run['wall'] / bound:.2f} <= 1.30", run["wall"] <= 1.3 * bound)
    finally:
        org.stop()


def main():
    node, modules = bench.clients.ensure()
    scale = int(os.environ.get("ARGIL_BENCH_SCALE", "20"))
    with tempfile.TemporaryDirectory() as home:
        org = Org(data=f"{home}/org.db", scale=scale, more=["--no-gzip"])
        org.control("POST", "/limits", {"daily_max": 100000000})
        try:
            count = org.count("SELECT COUNT() FROM Account")
            bench_creates(org, node, modules, home, count)
            bench_journal(org, count)
        finally:
            org.stop()
        bench_planning(count * 10)
        bench_latency(home)
