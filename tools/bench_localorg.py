"""./dev bench localorg: how fast and how big the fake org is.

"On one core" is records per CPU second of localorg's process (all its threads, system
time too), so that a busy machine and a slow client change little. Wall-clock figures are
medians. ARGIL_BENCH_SCALE is thousands of Accounts for the throughput figures (200),
ARGIL_BENCH_ACCOUNTS thousands of the big org (5000: about 3 GB in the temporary
directory), ARGIL_BENCH_ROWS the rows of the Bulk job (1000000).
"""
import http.client
import json
import os
import pathlib
import statistics
import tempfile
import time
import urllib.parse

from bench import FIELDS, cpu_of, info, verdict
from programs import Org

V = "/services/data/v66.0"
CALLS, ROWS = 100, 200  # collections


class Wire:
    """One kept connection; answers as bytes, because parsing JSON here would take longer than the org does."""

    def __init__(self, org):
        self.org = org
        self.connection = http.client.HTTPConnection(urllib.parse.urlparse(org.url).netloc)

    def ask(self, method, path, body=None, kind="application/json"):
        self.connection.request(method, path, body, {"Authorization": "Bearer " + self.org.token, "Content-Type": kind})
        answer = self.connection.getresponse()
        data = answer.read()
        assert answer.status < 300, (method, path[:200], answer.status, data[:500])
        return data


def next_page(data):
    """The path of the next page: beside totalSize, or behind the records."""
    for part in (data[:400], data[-400:]):
        at = part.find(b'"nextRecordsUrl":"')
        if at >= 0:
            return part[at + 18:part.index(b'"', at + 18)].decode()
    return None


def bench_query(org, wire):
    rows = org.count("SELECT COUNT() FROM Account")
    soql = f"SELECT {', '.join(FIELDS)} FROM Account"
    rates, pages, size = [], 0, 0
    for _ in range(3):
        before, path, pages, size = cpu_of(org.process.pid), f"{V}/query?q={urllib.parse.quote(soql)}", 0, 0
        while path:
            data = wire.ask("GET", path)
            path, pages, size = next_page(data), pages + 1, size + len(data)
        rates.append(rows / (cpu_of(org.process.pid) - before))
    rate = statistics.median(rates)
    verdict(f"query, {len(FIELDS)} fields: records per CPU second", f"{rate:,.0f}",
            f"{rows:,} records, {pages} pages, {size / 1e6:.0f} MB", ">= 300,000", rate >= 300000)


def per_cpu_second(org, wire, method, path, bodies):
    before = cpu_of(org.process.pid)
    answers = [wire.ask(method, path, body) for body in bodies]
    rate = len(bodies) * ROWS / (cpu_of(org.process.pid) - before)
    assert all(b'"success":false' not in a for a in answers), answers[0][:500]
    return rate, answers


def records(fields):
    return json.dumps({"allOrNone": False, "records": [{"attributes": {"type": "Account"}, **f} for f in fields]}).encode()


def bench_collections(org, wire):
    made = [records({"Name": f"Bench {i} {j}", "Phone": f"+49 228 {i}{j}", "Website": f"w{i}-{j}.example",
                     "Industry": "Banking", "NumberOfEmployees": j} for j in range(ROWS)) for i in range(CALLS)]
    rate, answers = per_cpu_second(org, wire, "POST", V + "/composite/sobjects", made)
    what = f"{CALLS} calls of {ROWS}"
    verdict("collections, create 5 fields: records per CPU second", f"{rate:,.0f}", what, ">= 50,000", rate >= 50000)
    ids = [[r["id"] for r in json.loads(a)] for a in answers]
    changed = [records({"id": i, "Phone": "+1 202", "Industry": "Energy", "Website": "new.example"} for i in some) for some in ids]
    rate, _ = per_cpu_second(org, wire, "PATCH", V + "/composite/sobjects", changed)
    verdict("collections, update 3 fields: records per CPU second", f"{rate:,.0f}", what, ">= 50,000", rate >= 50000)


def peak_mb(org):
    status = pathlib.Path(f"/proc/{org.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def bench_bulk(home):
    rows = int(os.environ.get("ARGIL_BENCH_ROWS", "1000000"))
    org = Org(data=f"{home}/bulk.db", seed="empty")
    try:
        wire = Wire(org)
        org.control("POST", "/limits", {"daily_max": 10000000})
        job = json.loads(wire.ask("POST", V + "/jobs/ingest", json.dumps(
            {"object": "Account", "operation": "insert", "contentType": "CSV", "lineEnding": "LF"}).encode()))
        text = "Name,Phone,Website,Industry,NumberOfEmployees\n" + "".join(
            f"Bulk account {i},+49 228 {i},www{i}.example,Banking,{i % 5000}\n" for i in range(rows))
        began, cpu = time.monotonic(), cpu_of(org.process.pid)
        wire.ask("PUT", f"{V}/jobs/ingest/{job['id']}/batches", text.encode(), "text/csv")
        wire.ask("PATCH", f"{V}/jobs/ingest/{job['id']}", b'{"state":"UploadComplete"}')
        while job["state"] not in ("JobComplete", "Failed", "Aborted"):
            time.sleep(0.2)
            job = json.loads(wire.ask("GET", f"{V}/jobs/ingest/{job['id']}"))
        wall, cpu = time.monotonic() - began, cpu_of(org.process.pid) - cpu
        results = wire.ask("GET", f"{V}/jobs/ingest/{job['id']}/successfulResults")
        assert job["state"] == "JobComplete" and job["numberRecordsProcessed"] == rows and job["numberRecordsFailed"] == 0, job
        assert results.count(b"\n") == rows + 1
        verdict(f"Bulk ingest of {rows:,} rows: peak memory", f"{peak_mb(org):,.0f} MB", f"{len(text) / 1e6:.0f} MB of CSV, one job",
                "< 512 MB", peak_mb(org) < 512)
        info("  rows per CPU second; wall", f"{rows / cpu:,.0f}; {wall:.1f} s")
    finally:
        org.stop()


SELECTIVE = [
    ("Id", "Id = '{Id}'"),
    ("Name", "Name = '{Name}'"),
    ("start of a Name", "Name LIKE '{Name}%'"),
    ("a day of CreatedDate", "CreatedDate >= {day}T00:00:00Z AND CreatedDate <= {day}T23:59:59Z"),
    ("an hour of SystemModstamp", "SystemModstamp >= {hour}:00:00Z AND SystemModstamp <= {hour}:59:59Z"),
    ("owner and start of a Name", "OwnerId = '{OwnerId}' AND Name LIKE '{Name}%'"),
]


def bench_big(home):
    thousands = int(os.environ.get("ARGIL_BENCH_ACCOUNTS", "5000"))
    began = time.monotonic()
    org = Org(data=f"{home}/big.db", seed="accounts", scale=thousands)
    try:
        rows, wire = thousands * 1000, Wire(org)
        info(f"{rows:,} Accounts loaded", f"{time.monotonic() - began:.0f} s, {cpu_of(org.process.pid):.0f} s of CPU, "
             f"{os.path.getsize(f'{home}/big.db') / 1e9:.1f} GB")
        org.control("POST", "/limits", {"daily_max": 10000000})
        assert org.count("SELECT COUNT() FROM Account") == rows
        known = org.query("SELECT Id, Name, OwnerId, CreatedDate, SystemModstamp FROM Account WHERE Name LIKE 'M%' LIMIT 1")[0]
        values = dict(known, day=known["CreatedDate"][:10], hour=known["SystemModstamp"][:13],
                      Name=known["Name"].replace("'", "\\'"))
        for what, condition in SELECTIVE:
            where = condition.format(**values)
            path = f"{V}/query?q=" + urllib.parse.quote(f"SELECT Id, Name, Website, Phone, OwnerId FROM Account WHERE {where} LIMIT 200")
            walls, found = [], 0
            for _ in range(15):
                start = time.monotonic()
                found = json.loads(wire.ask("GET", path))["totalSize"]
                walls.append((time.monotonic() - start) * 1000)
            wall = statistics.median(walls)
            verdict(f"  by {what}", f"{wall:.1f} ms", f"{found} found", "< 50 ms", found > 0 and wall < 50)
    finally:
        org.stop()


def main():
    scale = int(os.environ.get("ARGIL_BENCH_SCALE", "200"))
    with tempfile.TemporaryDirectory() as home:
        org = Org(data=f"{home}/org.db", seed="accounts", scale=scale, more=["--no-gzip"])
        try:
            org.control("POST", "/limits", {"daily_max": 10000000})
            wire = Wire(org)
            bench_query(org, wire)
            bench_collections(org, wire)
        finally:
            org.stop()
    with tempfile.TemporaryDirectory() as home:
        bench_bulk(home)
    with tempfile.TemporaryDirectory() as home:
        bench_big(home)
