"""The same commands through a server: --url, ARGIL_URL and a token."""
import json
import signal
import subprocess
import time

from main_job import RECIPE
from programs import ARGIL, Workspace
from server import Server, bare


def far(w, server, *words, token, ok=(0,), url=True):
    """argil with another, empty data directory: what it prints came from the server."""
    env = {"ARGIL_DATA": str(w.home / "nowhere"), "XDG_CONFIG_HOME": str(w.home / "nowhere"), "ARGIL_TOKEN": token}
    if url:
        env["ARGIL_URL"] = server.url
    done = w.run(*words, env=env)
    assert done.returncode in ok, f"argil {' '.join(words)} left with {done.returncode}\n{done.stderr}\n{done.stdout}"
    return done


def story_reading_through_a_server_prints_what_reading_here_does():
    with Workspace() as w:
        with Server(w) as server:
            ann = server.setup()
            ann.ok("POST", "/recipes", {"recipe": RECIPE, "connection": "demo"})
            ann.wait_for_run(ann.ok("POST", "/tables/people/syncs", {})["id"])
            ann.wait_for_run(ann.ok("POST", "/tables/people/runs", {"approve": True, "first": 30})["id"])
            token = ann.ok("POST", "/tokens", {"name": "x", "scope": "admin"})["text"]
            commands = [("table", "list"), ("table", "show", "people"), ("table", "export", "people"), ("runs",),
                        ("runs", "people", "--limit", "1"), ("export", "people"), ("export", "people", "--raw"),
                        ("journal", "list"), ("journal", "list", "--state", "done,in-doubt", "--limit", "7"),
                        ("journal", "list", "--table", "people", "--limit", "1000"), ("journal", "show", "3"),
                        ("connection", "list"), ("connection", "show", "demo", "--offline")]
            forms = [(), ("--json",)]
            there = {(c, f): far(w, server, *c, *f, token=token).stdout for c in commands for f in forms}
            check = json.loads(far(w, server, "journal", "check", "--json", token=token).stdout)
            assert {"state": "done", "operations": "30"} in check, check
        for (command, form), text in there.items():
            here = w.run(*command, *form).stdout
            if command[0] == "connection":
                here, text = (strip_used(t, form) for t in (here, text))
            assert here == text, f"{command} {form}\nhere:\n{here[:800]}\nthere:\n{text[:800]}"
        assert there[("export", "people"), ()].count("\n") == 1789


def story_alerts_are_read_and_seen_through_a_server():
    with bare() as w:
        (w.home / "x.csv").write_text("A\n1\n2\n")
        w.argil("apply", w.recipe(f"table: x\nsource: {{ csv: {{ file: {w.home}/x.csv, fields: [A] }} }}\nalerts: {{ rows: 1 }}\n"))
        w.argil("sync", "x")
        w.argil("alert", "check", ok=(0, 4))
        w.run("alert", "set", "--failure-rate", "40")
        here = {form: w.run("alert", "list", *form).stdout for form in ((), ("--json",))}
        assert json.loads(here[("--json",)]), here
        with Server(w) as server:
            token = server.setup().ok("POST", "/tokens", {"name": "x", "scope": "admin"})["text"]
            there = {form: far(w, server, "alert", "list", *form, token=token).stdout for form in here}
            assert there == here, (here, there)
            assert json.loads(far(w, server, "alert", "settings", token=token).stdout)["failure_rate"] == 40
            said = far(w, server, "alert", "set", "--failure-rate", "50", token=token, ok=(2,)).stderr
            assert "works on the data directory" in said, said
            assert "works on the data directory" in far(w, server, "alert", "check", token=token, ok=(2,)).stderr
            far(w, server, "alert", "seen", "all", token=token)
            assert json.loads(far(w, server, "alert", "list", "--unseen", "--json", token=token).stdout or "[]") == []


def strip_used(text, form):
    return "\n".join(line for line in text.splitlines() if "last used" not in line and "used" not in line)


def story_a_job_ordered_through_a_server_reports_as_one_here():
    with Workspace() as w, Server(w) as server:
        ann = server.setup()
        token = ann.ok("POST", "/tokens", {"name": "x", "scope": "builder"})["text"]
        recipe = w.recipe(RECIPE)
        dry = json.loads(far(w, server, "apply", recipe, "--dry-run", "--json", token=token).stdout)
        assert dry["plan"] and not dry["created"], dry
        made = json.loads(far(w, server, "apply", recipe, "--json", token=token).stdout)
        assert made["created"] and made["table"] == "people", made
        bad = far(w, server, "apply", w.recipe(RECIPE.replace("LastName, ", "LastNam, ")), token=token, ok=(2,))
        assert ":7:" in bad.stderr and "LastName" in bad.stderr, bad.stderr
        sync = json.loads(far(w, server, "sync", "people", "--json", token=token).stdout)
        assert sync["complete"] and sync["added"] == sync["rows"] == 1788, sync
        refused = far(w, server, "run", "people", "--json", token=token, ok=(1, 5))
        assert "for the first time" in refused.stderr, refused.stderr
        run = json.loads(far(w, server, "run", "people", "--yes", "--first", "12", "--json", token=token).stdout)
        assert run["updated"] == 12, run
        text = far(w, server, "run", "people", "--rows", "all", "--column", "Greeting", token=token).stdout
        assert "1,788" in text, text
        assert "passed" in far(w, server, "doctor", "demo", token=token, ok=(0, 3)).stdout
        assert far(w, server, "--url", server.url, "table", "list", token=token, url=False).stdout
        far(w, server, "table", "auto-update", "people", "off", token=token)
        assert not ann.get("/tables/people")["auto_update"]
        far(w, server, "table", "delete", "people", "--yes", token=token)
        assert ann.get("/tables")["tables"] == []


def story_what_a_server_refuses_is_told_as_the_server_tells_it():
    with bare() as w, Server(w) as server:
        ann = server.setup()
        token = ann.ok("POST", "/tokens", {"name": "x", "scope": "viewer"})["text"]
        assert "role" in far(w, server, "sync", "people", token=token, ok=(1,)).stderr
        assert "no table" in far(w, server, "table", "show", "nope", token=token, ok=(1,)).stderr
        assert "not known" in far(w, server, "table", "list", token="argil_wrong", ok=(5,)).stderr
        assert "ARGIL_TOKEN" in far(w, server, "table", "list", token="", ok=(5,)).stderr
        for words in (("vault", "rotate"), ("secret", "list"), ("permset",), ("schedule", "list")):
            assert "data directory" in far(w, server, *words, token=token, ok=(2,)).stderr, words
        for url, code in (("http://192.0.2.1", 1), ("ftp://x", 1), ("nonsense", 1), ("http://127.0.0.1:1", 4)):
            done = far(w, server, "--url", url, "table", "list", token=token, ok=(code,), url=False)
            assert done.stderr.strip() and token not in done.stderr, (url, done.stderr)


def story_interrupting_a_command_leaves_the_job_to_the_server():
    with Workspace(latency=200) as w:
        w.env["ARGIL_WRITE_BATCH"] = "20"
        with Server(w) as server:
            ann = server.setup()
            token = ann.ok("POST", "/tokens", {"name": "x", "scope": "builder"})["text"]
            ann.ok("POST", "/recipes", {"recipe": RECIPE, "connection": "demo"})
            ann.wait_for_run(ann.ok("POST", "/tables/people/syncs", {})["id"])
            command = subprocess.Popen([str(ARGIL), "run", "people", "--yes", "--first", "100"], text=True,
                                       stderr=subprocess.PIPE,
                                       env=dict(w.env, ARGIL_URL=server.url, ARGIL_TOKEN=token))
            while ann.get("/journal/counts")["states"].get("done", 0) == 0:
                time.sleep(0.02)
            command.send_signal(signal.SIGINT)
            _, said = command.communicate(timeout=60)
            if command.returncode == 130:  # else it was over already
                assert "goes on at the server" in said, said
            run = ann.get("/runs?limit=1")["runs"][0]["id"]
            assert ann.wait_for_run(run)["report"]["updated"] == 100
