"""What changes reaches every open page, and nobody waits for somebody who hangs."""
import json
import os
import pathlib
import signal
import threading
import time

from main_job import RECIPE
from programs import Org, Workspace
from server import Person, Server, bare


def ready(w, server, recipe=RECIPE):
    ann = server.setup()
    ann.ok("POST", "/recipes", {"recipe": recipe, "connection": "demo"})
    return ann


# ----------------------------------------------------------------- events

def story_a_stream_that_broke_goes_on_without_a_gap():
    with Workspace() as w, Server(w) as server:
        ann = ready(w, server)
        first = ann.events()
        first.next("hello")
        ann.ok("PUT", "/tables/people/auto-update", {"on": False})
        first.next("table")
        last = first.last_id
        first.close()
        run = ann.wait_for_run(ann.ok("POST", "/tables/people/syncs", {})["id"])
        with ann.events(last_id=last) as second:
            second.next("hello")
            second.next("run", lambda data: data["run_id"] == run["id"])
            second.next("rows", lambda data: data["table_id"] == run["table_id"])
            ids = [int(id.split("-")[1]) for name, _, id in second.seen if name not in ("hello", "bye")]
            assert ids == list(range(int(last.split("-")[1]) + 1, ids[-1] + 1)), (last, ids)
        with ann.events(last_id=second.last_id) as third:
            third.next("hello")
            assert not [s for s in third.seen if s[0] in ("rows", "run")], third.seen


def story_what_cannot_be_made_up_for_is_said():
    with Workspace() as w, Server(w) as server:
        ann = ready(w, server)
        with ann.events() as events:
            boot = events.next("hello")["boot"]
            last = events.last_id
        for wrong in (f"{boot}-999999", "nonsense", "00000000-1", f"{boot}-x", f"{boot}-"):
            with ann.events(last_id=wrong) as events:
                assert events.next("reset")["boot"] == boot
        port = server.port
        server.stop()
        server.start(port)
        with ann.events(last_id=last) as events:
            assert events.next("reset")["boot"] != boot


def story_a_restart_says_good_bye():
    with Workspace() as w, Server(w) as server:
        ann = ready(w, server)
        events = ann.events()
        events.next("hello")
        assert server.stop() == 0
        events.wait_end()
        assert events.seen[-1][0] == "bye", events.seen
        server.start()


def story_streams_of_who_may_no_longer_listen_end():
    with bare() as w, Server(w) as server:
        ann = server.setup()
        bob = server.user("bob", "viewer")
        here, there = bob.events(), Person(server).sign_in("bob").events()
        here.next("hello")
        there.next("hello")
        bob.ok("DELETE", "/session")
        here.wait_end()
        assert not there.ended
        ann.ok("PATCH", f"/users/{bob.id}", {"disabled": True})
        there.wait_end()
        status, _, body = bob.call("GET", "/events")
        assert status == 401, (status, body)


def story_streams_of_one_person_are_not_without_end():
    with bare() as w, Server(w) as server:
        ann = server.setup()
        streams = [ann.events() for _ in range(20)]
        status, _, body = ann.call("GET", "/events")
        assert status == 429 and body["error"]["code"] == "too_many", (status, body)
        for stream in streams:
            stream.close()
        end = time.monotonic() + 60
        while time.monotonic() < end:  # a client that left is noticed at the next line sent to it
            try:
                ann.events().close()
                break
            except AssertionError:
                ann.ok("PATCH", "/account", {"name": "Ann"})
                time.sleep(1)
        else:
            raise AssertionError("the places of closed streams were not given back")


def resident(process):
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024


def story_five_hundred_idle_streams_cost_little():
    with bare() as w, Server(w) as server:
        ann = server.setup()
        people = [ann] + [server.user(f"u{i}", "viewer") for i in range(29)]
        ann.events().close()
        before = resident(server.process)
        streams = [people[i % len(people)].events() for i in range(500)]
        for stream in streams:
            stream.next("hello")
        cost = resident(server.process) - before
        sanitized = "asan" in os.environ.get("ARGIL_BUILD", "")
        assert sanitized or cost < 50 * 1024 * 1024, f"{cost / 1024 / 1024:.1f} MB"
        print(f"        500 idle event streams cost {cost / 1024 / 1024:.1f} MB")
        assert ann.get("/tables") == {"tables": []}
        for stream in streams:
            stream.close()


# ------------------------------------------------------------------- lanes

OTHER = """
table: {name}
source:
  salesforce: {{ connection: slow, object: Contact, fields: [Id, LastName] }}
columns:
  - name: Up
    formula: "{{{{LastName}}}}.toUpperCase()"
"""


def story_an_org_that_hangs_holds_up_no_other():
    with Workspace() as w:
        slow = Org(seed="demo")
        token = w.home / "slow"
        token.write_text(slow.token)
        w.argil("connect", "slow", "--url", slow.url, "--access-token-file", str(token))
        with Server(w) as server:
            ann = ready(w, server)
            for name in ("a", "b", "c"):
                ann.ok("POST", "/recipes", {"recipe": OTHER.format(name=name), "connection": "slow"})
            os.kill(slow.process.pid, signal.SIGSTOP)
            try:
                hung = [ann.ok("POST", f"/tables/{name}/syncs", {})["id"] for name in ("a", "b", "c")]
                threads = [threading.Thread(target=lambda: ann.call("POST", "/connections/slow/doctor"), daemon=True)
                           for _ in range(6)]
                for thread in threads:
                    thread.start()
                time.sleep(0.5)
                run = ann.wait_for_run(ann.ok("POST", "/tables/people/syncs", {})["id"], seconds=60)
                assert run["state"] == "done", run
                run = ann.wait_for_run(ann.ok("POST", "/tables/people/runs", {"column": "Greeting"})["id"], 60)
                assert run["state"] == "done", run
                assert ann.ok("POST", "/connections/demo/doctor")["findings"]
                states = [ann.get(f"/runs/{id}")["state"] for id in hung]
                assert set(states) <= {"running", "queued"} and states.count("queued") == 1, states
                stopped = ann.ok("POST", f"/runs/{hung[2]}/stop")
                assert stopped["state"] == "stopped", stopped
            finally:
                os.kill(slow.process.pid, signal.SIGCONT)
            assert ann.wait_for_run(hung[0])["state"] == "done"
        slow.stop()


def story_edits_get_through_while_an_import_runs():
    with Workspace(scale=20) as w, Server(w) as server:
        ann = ready(w, server)
        run = ann.ok("POST", "/tables/people/syncs", {})
        edits = 0
        while ann.get(f"/runs/{run['id']}")["state"] in ("queued", "running"):
            ann.ok("PUT", "/tables/people/auto-update", {"on": edits % 2 == 0})
            edits += 1
        assert ann.get(f"/runs/{run['id']}")["state"] == "done"
        assert edits >= 2, "the import was over before an edit was made"


# ---------------------------------------------------------------- stopping

SLOW = RECIPE.replace("table: people", "table: slow")


def story_a_run_that_is_stopped_keeps_what_it_did():
    with Workspace(latency=150) as w:
        w.env["ARGIL_WRITE_BATCH"] = "20"
        with Server(w) as server:
            ann = ready(w, server, SLOW)
            ann.wait_for_run(ann.ok("POST", "/tables/slow/syncs", {})["id"])
            run = ann.ok("POST", "/tables/slow/runs", {"approve": True})
            with ann.events() as events:
                events.next("run", lambda d: d["run_id"] == run["id"] and d["progress"], seconds=60)
            while ann.get("/journal/counts")["states"].get("done", 0) == 0:
                time.sleep(0.02)
            ann.ok("POST", f"/runs/{run['id']}/stop")
            ended = ann.wait_for_run(run["id"])
            assert ended["state"] == "stopped" and "stopped" in ended["error"], ended
            status, _, body = ann.call("POST", f"/runs/{run['id']}/stop")
            assert status == 409, body
            again = ann.wait_for_run(ann.ok("POST", "/tables/slow/runs", {})["id"])
            assert again["state"] == "done", again
            counts = ann.get("/journal/counts")
            assert set(counts["states"]) == {"done"}, counts


def story_a_server_stopped_in_mid_run_leaves_nothing_half_done():
    with Workspace(latency=100) as w:
        w.env["ARGIL_WRITE_BATCH"] = "20"
        with Server(w) as server:
            ann = ready(w, server, SLOW)
            ann.wait_for_run(ann.ok("POST", "/tables/slow/syncs", {})["id"])
            run = ann.ok("POST", "/tables/slow/runs", {"approve": True})
            while ann.get("/journal/counts")["states"].get("done", 0) == 0:
                time.sleep(0.02)
            assert server.stop() == 0
            server.start()
            ann.sign_in("ann@example.com")
            assert ann.get(f"/runs/{run['id']}")["state"] == "stopped"
            ended = ann.wait_for_run(ann.ok("POST", "/tables/slow/runs", {})["id"])
            assert ended["state"] == "done", ended
            assert set(ann.get("/journal/counts")["states"]) == {"done"}


def story_a_server_that_is_killed_settles_what_it_left():
    with Workspace(latency=100) as w:
        w.env["ARGIL_WRITE_BATCH"] = "20"
        with Server(w) as server:
            ann = ready(w, server, SLOW)
            ann.wait_for_run(ann.ok("POST", "/tables/slow/syncs", {})["id"])
            run = ann.ok("POST", "/tables/slow/runs", {"approve": True})
            while ann.get("/journal/counts")["states"].get("done", 0) == 0:
                time.sleep(0.02)
            server.stop(signal.SIGKILL)
            server.start()
            ann.sign_in("ann@example.com")
            assert ann.get(f"/runs/{run['id']}")["state"] == "interrupted"
            end = time.monotonic() + 60
            open_states = {"planned", "sending", "retry safe", "unknown", "reconciling"}
            while set(ann.get("/journal/counts")["states"]) & open_states:
                assert time.monotonic() < end, ann.get("/journal/counts")
                time.sleep(0.1)
            assert json.dumps(ann.get("/journal/counts"))


def story_the_data_directory_is_the_servers():
    with Workspace() as w, Server(w) as server:
        server.setup()
        done = w.run("sync", "people")
        assert done.returncode == 4 and "--url" in done.stderr, done
