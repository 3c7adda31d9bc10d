#!/usr/bin/env python3
"""Stories of alerts: a real mail server, a real webhook, argil serve and the command line."""
import http.server
import json
import pathlib
import queue
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support_py"))
from programs import ARGIL, main  # noqa: E402
from server import Server, bare  # noqa: E402
from smtp import MailServer  # noqa: E402


class Hook(http.server.ThreadingHTTPServer):
    """A webhook that keeps what it gets."""

    def __init__(self):
        got = self.got = queue.Queue()

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                got.put((self.headers, body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hook"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


def failing_table(w, alerts="{ failure_rate: 50% }"):
    rows = w.home / "rows.csv"
    rows.write_text("Id\n" + "".join(f"{i}\n" for i in range(40)))
    w.argil("apply", w.recipe(f"""
table: things
source:
  csv: {{ file: {rows}, fields: [Id] }}
  unique_by: Id
alerts: {alerts}
columns:
  - name: Bad
    formula: "{{{{Id}}}} % 4 ? null.nothing : 1"
"""))
    w.argil("sync", "things")


def secret(w, name, value):
    subprocess.run([str(ARGIL), "secret", "set", name], input=value, text=True, check=True, env=w.env, capture_output=True)


def story_a_run_that_fails_is_told_once_by_mail_webhook_and_page():
    with bare() as w, MailServer() as mail, Hook() as hook:
        secret(w, "hook", "h00k")
        w.argil("alert", "set", "--email", "ann@example.com", "--email", "bob@example.com", "--from", "argil@example.com",
                "--server", mail.url, "--webhook", hook.url, "--webhook-private", "--authorization", "Bearer {{secret:hook}}")
        failing_table(w)
        w.argil("alert", "check")  # what was before is not news
        with Server(w, "--public-url", "http://localhost") as server:
            ann = server.setup()
            with ann.events() as events:
                run = ann.ok("POST", "/tables/things/runs", {})["id"]
                ann.wait_for_run(run)
                got = mail.next()
                headers, body = hook.got.get(timeout=60)
                told = events.next("alert")
            assert got["to"] == ["ann@example.com", "bob@example.com"], got
            assert got["mail"]["Subject"] == f"[argil] things: 75 % of run {run} failed", got["mail"]["Subject"]
            text = got["mail"].get_content()
            assert "30 of 40 cells failed (the limit is 50 %). Most often: " in text and "TypeError" in text, text
            assert got["mail"]["Message-ID"].startswith("<alert-1.") and got["mail"]["Auto-Submitted"] == "auto-generated"
            assert headers["Authorization"] == "Bearer h00k" and headers["Idempotency-Key"] == "alert-1", headers
            assert body["kind"] == "failure_rate" and body["table"] == "things" and body["number"] == 75, body
            assert told["alert_id"] == 1, told
            # the same within half an hour, over a kill too: counted, not told
            ann.wait_for_run(ann.ok("POST", "/tables/things/runs", {"rows": "all"})["id"])
            server.stop(signal.SIGKILL)
            server.start()
            ann.sign_in("ann@example.com")
            with ann.events() as events:
                ann.wait_for_run(ann.ok("POST", "/tables/things/runs", {"rows": "all"})["id"])
                while ann.get("/alerts")["alerts"][0]["times"] < 3:
                    events.next("alert")
                    events.seen.clear()
            alerts = ann.get("/alerts")["alerts"]
            assert len(alerts) == 1 and alerts[0]["email"]["state"] == alerts[0]["webhook"]["state"] == "sent", alerts
            assert mail.got.empty() and hook.got.empty()
            runner = server.user("rob@example.com", "runner")
            runner.ok("POST", f"/alerts/{alerts[0]['id']}/seen")
            assert ann.get("/alerts?unseen=true")["alerts"] == []
            assert runner.call("PUT", "/alert-settings", {})[0] == 403


def story_mail_is_encrypted_and_signed_in():
    with bare() as w:
        with MailServer(tls=w.home, account=("argil", "pässword")) as mail:
            secret(w, "mail", "pässword")
            w.argil("alert", "set", "--email", "ann@example.com", "--from", "argil@example.com", "--server", mail.url,
                    "--user", "argil", "--password-secret", "mail", "--ca-file", str(mail.ca))
            assert w.argil("alert", "test")["sent"] == 1
            got = mail.next()
            assert got["encrypted"] and got["auth"] == ("argil", "pässword", True), got
            # a certificate nobody vouches for: nothing is given to it
            w.argil("alert", "set", "--ca-file", "none")
            assert w.argil("alert", "test", ok=(4,))["waiting"] == 1
            # a wrong password is no use trying again
            secret(w, "mail", "wrong")
            w.argil("alert", "set", "--ca-file", str(mail.ca))
            assert w.argil("alert", "test", ok=(1,))["failed"] == 1
            assert "wrong" not in w.run("alert", "list", "--json").stdout
            mail.refuse = "550 not from you"
            secret(w, "mail", "pässword")
            assert w.argil("alert", "test", ok=(1,))["failed"] == 1
        with MailServer() as plain:  # offers no encryption: the password stays here
            w.argil("alert", "set", "--server", plain.url)
            assert w.argil("alert", "test", ok=(1, 4))["sent"] == 0
            assert plain.got.empty()


def story_the_command_line_looks_without_a_server():
    with bare() as w, MailServer() as mail:
        failing_table(w, "{ rows: 39, failure_rate: 0% }")
        assert w.argil("alert", "check")["raised"] == 1  # more than 39 rows; no way is set up: it is in the list
        listed = w.argil("alert", "list")
        assert listed[0]["kind"] == "rows" and listed[0]["e-mail"] == "not set up", listed
        w.argil("alert", "set", "--email", "ann@example.com", "--from", "a@example.com", "--server", mail.url)
        w.run("run", "things")
        assert w.argil("alert", "check")["raised"] == 0  # 0 %: never; and rows were told today
        w.argil("alert", "seen", "all")
        assert w.argil("alert", "list", "--unseen") == []
        for words, said in ((("--email", "nobody"), "is no address"), (("--server", "mail.example.com"), "is no mail server"),
                            (("--webhook", "http://x.example"), "https://"), (("--user", "argil"), "belong together"),
                            (("--failure-rate", "101"), "from 0 (never) to 100"), (("--email", "none", "--email", "a@b\nBcc: x@y"), "is no address")):
            done = w.run("alert", "set", *words)
            assert done.returncode == 1 and said in done.stderr, (words, done.stderr)
        done = w.run("apply", w.recipe("table: x\nsource: {csv: {fields: [A]}}\nalerts: {failure_rate: 5, rows: few, inactive: soon}\n"))
        assert done.returncode == 2 and all(word in done.stderr for word in ("`failure_rate` must", "`rows` must", "`inactive` must")), done.stderr


def story_a_webhook_that_hangs_keeps_no_row_that_should_go():
    with bare() as w, socket.create_server(("127.0.0.1", 0)) as hung:
        (w.home / "people.csv").write_text("Name,Status\n" + "".join(f"p{i},{'bad' if i < 3 else 'new'}\n" for i in range(9)))
        recipe = "table: people\nsource: { csv: { file: %s/people.csv, fields: [Name, Status] } }\nalerts: { rows: 5 }\n" % w.home
        w.argil("apply", w.recipe(recipe))
        w.argil("sync", "people")
        w.argil("apply", w.recipe(recipe + "auto_delete: { when: 'Status = bad', keep: 0 }\n"))
        w.argil("alert", "set", "--webhook", f"http://127.0.0.1:{hung.getsockname()[1]}/hook", "--webhook-private")
        with Server(w) as server:
            ann = server.setup()
            hung.settimeout(60)
            link, _ = hung.accept()  # it is to hear of nine rows, and says nothing
            with link:
                link.settimeout(30)
                assert link.recv(4)
                end = time.monotonic() + 60
                while (left := ann.get("/tables/people")["row_count"]) == 9:
                    assert time.monotonic() < end, "rows that should go are there"
                    time.sleep(0.05)
                assert left == 6, left
                link.setblocking(False)
                try:
                    while link.recv(65536):
                        pass
                    raise AssertionError("the alert had been given up before the rows went")
                except BlockingIOError:
                    pass
            hung.close()  # or it would be waited for


if __name__ == "__main__":
    sys.exit(main(dict(globals())))
