"""The fault matrix of importing, against the real programs. A story's name begins with its row;
matrix.md beside this file names the test of every row."""
import csv
import json
import urllib.request

from programs import Workspace
from pulling import rows, same, table

SOBJECTS = "/services/data/v66.0/sobjects"
FIELDS = "Id, Name, Industry"
RECIPE = "salesforce: {connection: %s, object: Account, fields: [Id, Name, Industry], transport: rest}"


def accounts(w, count, start=0, **fields):
    """Accounts as a file that localorg loads; made in one moment of its clock."""
    path = w.home / f"Account-{start}/Account.csv"
    path.parent.mkdir()
    with open(path, "w", newline="") as f:
        out = csv.writer(f)
        out.writerow(["Name", *fields])
        out.writerows([f"Firm {i}", *fields.values()] for i in range(start, start + count))
    w.org.control("POST", f"/load?path={path}")


def same_as_org(w, name="firms"):
    mine = rows(w, name)
    theirs = {r["Id"]: r for r in w.org.query(f"SELECT {FIELDS} FROM Account")}
    same(len(mine), len({r["Id"] for r in mine}))
    same({r["Id"] for r in mine}, set(theirs))
    for r in mine:
        same((r["Name"], r["Industry"] or None), (theirs[r["Id"]]["Name"], theirs[r["Id"]]["Industry"]))


def fault(w, effect, path="/query", **more):
    w.org.control("POST", "/faults", {"path": path, "effect": effect, **more})


def pages_of(w, size):
    fault(w, "small_pages", page_size=size, name="pages")


def given(w, count=1200, page=200):
    """An empty org with so many accounts, and a table over them that was never synced."""
    accounts(w, count, Industry="Energy")
    pages_of(w, page)
    w.argil("apply", w.recipe(f"table: firms\nsource:\n  {RECIPE % 'demo'}\n"))


def change(w, record, **fields):
    status, body = w.org.call("PATCH", f"{SOBJECTS}/Account/{record}", fields)
    assert status == 204, (status, body)


def machine(w):
    """A connection with a token of its own that can be renewed."""
    secret = w.home / "secret"
    secret.write_text(w.org.ready["client_secret"])
    w.org.control("POST", "/policies", {"app": {
        "client_id": w.org.ready["client_id"], "client_credentials": True, "run_as": w.org.ready["username"]}})
    done = w.run("connect", "machine", "--client-credentials", "--url", w.org.url, "--client-id",
                 w.org.ready["client_id"], "--client-secret-file", str(secret))
    assert done.returncode == 0, done.stderr


def story_row_40_the_daily_limit_stops_the_import_with_what_it_has_and_it_goes_on():
    with Workspace(seed="empty") as w:
        given(w)
        fault(w, "limit_exceeded", after=3, name="limit")
        done = w.run("sync", "firms", "--json")
        assert done.returncode not in (0, 3), done.stdout
        assert "code: connect.limit" in done.stderr and "rolling 24 hours" in done.stderr, done.stderr
        some = len(rows(w, "firms"))
        assert 0 < some < 1200, some
        w.org.control("DELETE", "/faults?name=limit")
        report = w.argil("sync", "firms")
        assert report["complete"] and report["added"] == 1200 - some, report
        same_as_org(w)


def story_row_41_too_many_requests_at_once_is_waited_for():
    with Workspace(seed="empty") as w:
        given(w)
        fault(w, "error", status=403, body="REQUEST_LIMIT_EXCEEDED: ConcurrentRequests (Concurrent API Requests) Limit "
              "exceeded.", after=2, times=2, name="busy")
        report = w.argil("sync", "firms")
        assert report["complete"] and report["added"] == 1200, report["statement"]
        same_as_org(w)


def story_row_42_a_session_that_ends_between_pages_is_renewed_once():
    with Workspace(seed="empty") as w:
        accounts(w, 1200, Industry="Energy")
        pages_of(w, 200)
        machine(w)
        w.argil("apply", w.recipe(f"table: firms\nsource:\n  {RECIPE % 'machine'}\n"))
        fault(w, "expire_token", after=5, times=1, name="ended")
        report = w.argil("sync", "firms")
        assert report["complete"] and report["added"] == 1200 and report["unchanged"] == 0, report["statement"]
        same([f["hits"] for f in w.org.control("GET", "/faults") if f.get("name") == "ended"], [1])
        same_as_org(w)


def story_row_91_an_answer_that_is_lost_is_read_again():
    with Workspace(seed="empty") as w:
        given(w)
        fault(w, "drop_after", nth=3)
        fault(w, "cut", nth=6)
        fault(w, "html", nth=9)
        report = w.argil("sync", "firms")
        assert report["complete"] and report["added"] == 1200 and report["unchanged"] == 0, report["statement"]
        same_as_org(w)


def story_row_92_a_locator_that_expires_costs_no_record():
    with Workspace(seed="empty") as w:
        given(w)
        fault(w, "forget_cursors", every=3)
        report = w.argil("sync", "firms")
        assert report["complete"] and report["added"] == 1200 and report["unchanged"] == 0, report["statement"]
        w.org.control("DELETE", "/faults")
        same_as_org(w)


def story_row_93_five_thousand_records_of_one_stamp():
    with Workspace(seed="empty") as w:
        given(w, count=20, page=2000)
        w.argil("sync", "firms")
        w.org.control("POST", "/clock", {"freeze": True})
        accounts(w, 5000, start=100, Industry="Banking")
        same(w.org.query("SELECT COUNT_DISTINCT(SystemModstamp) n FROM Account WHERE Industry = 'Banking'")[0]["n"], 1)
        w.org.control("POST", "/clock", {"freeze": False})
        fault(w, "forget_cursors", every=2)  # so that the keyset itself has to find its place among equals
        report = w.argil("sync", "firms")
        assert report["complete"] and not report["full"] and report["added"] == 5000, report["statement"]
        w.org.control("DELETE", "/faults")
        same_as_org(w)


def late_record(w, lag_ms):
    fault(w, "stamp_lag", path="/sobjects/Account", lag_ms=lag_ms, times=1)
    status, made = w.org.call("POST", f"{SOBJECTS}/Account", {"Name": "Late"})
    assert status == 201, made
    return made["id"]


def story_row_94_a_record_that_shows_four_minutes_after_its_stamp():
    with Workspace(seed="empty") as w:
        given(w, count=50)
        w.argil("sync", "firms")
        late = late_record(w, 4 * 60 * 1000)
        report = w.argil("sync", "firms")
        assert report["complete"] and report["added"] == 1, report["statement"]
        assert "all Ids were compared" not in report["statement"], report["statement"]  # the overlap had it
        assert late in {r["Id"] for r in rows(w, "firms")}


def story_row_95_a_record_that_shows_three_hours_after_its_stamp():
    with Workspace(seed="empty") as w:
        given(w, count=50)
        w.argil("sync", "firms")
        late = late_record(w, 3 * 3600 * 1000)
        report = w.argil("sync", "firms")
        assert report["complete"] and report["added"] == 1, report["statement"]
        assert "all Ids were compared" in report["statement"], report["statement"]
        assert late in {r["Id"] for r in rows(w, "firms")}


def killed_after_pages(w, pages):
    done = w.run("sync", "firms", env={"ARGIL_CRASH_AT": f"K16:{pages + 1}"})
    assert done.returncode < 0 or done.returncode > 128, done


def story_row_96_records_edited_while_they_are_paged_are_there_once_and_no_older():
    with Workspace(seed="empty") as w:
        given(w)
        killed_after_pages(w, 4)
        seen = [r["Id"] for r in rows(w, "firms")]
        assert 0 < len(seen) < 1200
        unseen = next(r["Id"] for r in w.org.query("SELECT Id FROM Account ORDER BY Id DESC LIMIT 1"))
        change(w, seen[0], Name="Edited behind")
        change(w, unseen, Name="Edited before")
        assert w.argil("sync", "firms")["complete"]
        w.argil("sync", "firms")
        same_as_org(w)


def story_row_97_a_record_deleted_while_it_is_paged_leaves_no_ghost():
    with Workspace(seed="empty") as w:
        given(w)
        killed_after_pages(w, 4)
        gone = rows(w, "firms")[0]["Id"]
        assert w.org.call("DELETE", f"{SOBJECTS}/Account/{gone}")[0] == 204
        report = w.argil("sync", "firms")
        assert report["complete"] and report["rows"] == 1199, report["statement"]
        same_as_org(w)


def story_row_99_zero_records_after_many_is_an_error_and_the_rows_stay():
    with Workspace(seed="empty") as w:
        given(w, count=60)
        w.argil("sync", "firms")
        ids = [r["Id"] for r in w.org.query("SELECT Id FROM Account")]
        status, done = w.org.call("DELETE", "/services/data/v66.0/composite/sobjects?ids=" + ",".join(ids))
        assert status == 200 and all(r["success"] for r in done), done[:2]
        done = w.run("sync", "firms")
        same(done.returncode, 1)
        assert "sync.empty" in done.stderr and "--full" in done.stderr, done.stderr
        same(len(rows(w, "firms")), 60)
        assert w.argil("sync", "firms", "--full")["rows"] == 0


def story_row_106_an_undeleted_record_is_its_old_row_again():
    with Workspace(seed="empty") as w:
        given(w, count=30)
        w.argil("sync", "firms")
        one = rows(w, "firms")[7]["Id"]
        assert w.org.call("DELETE", f"{SOBJECTS}/Account/{one}")[0] == 204
        same(w.argil("sync", "firms")["deleted"], 1)
        undelete(w, one)
        report = w.argil("sync", "firms")
        assert report["complete"] and report["added"] == 0 and report["rows"] == 30, report["statement"]
        same_as_org(w)


def undelete(w, record):
    body = (f'<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com">'
            f"<env:Header><SessionHeader><sessionId>{w.org.token}</sessionId></SessionHeader></env:Header>"
            f"<env:Body><undelete><ids>{record}</ids></undelete></env:Body></env:Envelope>")
    request = urllib.request.Request(w.org.url + "/services/Soap/u/66.0", body.encode(),
                                     {"Content-Type": "text/xml", "SOAPAction": '""'})
    with urllib.request.urlopen(request) as answer:
        text = answer.read().decode()
    assert "<success>true</success>" in text, text


def story_row_112_a_text_as_long_as_a_field_may_be_is_stored_whole():
    with Workspace(seed="empty") as w:
        text = "é<b>\u2028\U0001F469\U0001F3FD" * 3500
        status, made = w.org.call("POST", f"{SOBJECTS}/Account", {"Name": "Long", "Description": text})
        assert status == 201, made
        kept = w.org.query("SELECT Description FROM Account")[0]["Description"]
        for transport in ("rest", "bulk"):
            table(w, transport, f"salesforce: {{connection: demo, object: Account, fields: [Id, Description], transport: {transport}}}")
            listed = [json.loads(line) for line in w.run("export", transport, "--json").stdout.split("\n") if line]
            same(listed[0]["Description"], kept)
        done = w.run("apply", w.recipe("table: files\nsource:\n  salesforce: {connection: demo, object: Attachment, "
                                       "fields: [Id, Body]}\n"))
        same(done.returncode, 2)
        assert "holds file contents" in done.stderr or "there is no object" in done.stderr, done.stderr


def story_row_128_a_query_that_times_out_is_asked_again_and_a_window_of_nothing_but_its_end_closes():
    with Workspace(seed="empty") as w:
        given(w, count=40)
        w.argil("sync", "firms")
        w.org.control("POST", "/clock", {"shift_s": 3600})  # a window whose first part is empty
        one = rows(w, "firms")[3]["Id"]
        change(w, one, Name="At the end")
        fault(w, "error", status=400, body="QUERY_TIMEOUT: Your query request was running for too long.", times=2,
              name="slow")
        report = w.argil("sync", "firms")
        assert report["complete"] and report["changed"] == 1, report["statement"]
        same_as_org(w)
        again = w.argil("sync", "firms")
        same((again["complete"], again["changed"], again["added"]), (True, 0, 0))
