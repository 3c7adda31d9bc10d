#!/usr/bin/env python3
"""Pages hear of what any process does: two servers on one PostgreSQL, and a worker besides. A
stream that broke goes on without a gap; at another server, or when a server lost the thread of
what the others do, the page is told to ask for everything again.

Run by with_postgres.py, whose server ARGIL_TEST_POSTGRES names.
"""
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support_py"), str(HERE)]
os.environ["ARGIL_TEST_STORE"] = "postgres"  # for programs: a workspace of its own
import wake  # noqa: E402
from programs import main  # noqa: E402
from server import Person, Server, bare  # noqa: E402


def given(w, server):
    ann = server.setup()
    ann.ok("POST", "/recipes", {"recipe": wake.RECIPE})
    return ann


def at(server, ann):
    """The same person, the same session, at another server."""
    there = Person(server)
    there.cookie, there.csrf = ann.cookie, ann.csrf
    return there


def story_a_page_hears_of_what_other_processes_do():
    with bare() as w, Server(w, "--no-jobs") as one, Server(w, "--no-jobs") as two:
        here = given(w, one)
        there = at(two, here)
        with there.events() as page:
            page.next("hello")
            table = here.get("/tables/people")["id"]
            here.ok("PUT", "/tables/people/auto-update", {"on": False})
            page.next("table", lambda data: data["table_id"] == table)
            os.environ.update({k: v for k, v in w.env.items() if k.startswith(("ARGIL_", "XDG_"))})
            run = here.ok("POST", "/tables/people/runs", {"approve": True})["id"]
            worker = wake.Worker("1000")
            try:
                here.wait_for_run(run)
                page.next("run", lambda data: data["run_id"] == run)
                last = page.last_id
                page.close()
                run = here.ok("POST", "/tables/people/runs", {"approve": True})["id"]
                here.wait_for_run(run)
            finally:
                worker.stop()
        with there.events() as fresh:  # the server has heard of it by the time it tells a page of what comes later
            here.ok("PUT", "/tables/people/auto-update", {"on": True})
            fresh.next("table")
        with there.events(last_id=last) as again:
            again.next("hello")
            again.next("run", lambda data: data["run_id"] == run)
            assert "reset" not in [name for name, _, _ in again.seen], again.seen
        with here.events(last_id=last) as elsewhere:
            elsewhere.next("reset")


def story_a_server_that_lost_the_thread_says_so():
    with bare() as w, Server(w, "--no-jobs") as one, Server(w, "--no-jobs") as two:
        here = given(w, one)
        there = at(two, here)
        with there.events() as page:
            page.next("hello")
            cut = wake.sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN argil_news%'")
            assert cut == "2", cut
            page.next("reset")
            page.wait_end()  # who reads is asked again who they are: that they were signed out may have been missed
        with there.events() as again:
            again.next("hello")
            here.ok("PUT", "/tables/people/auto-update", {"on": False})
            again.next("table")


def story_signing_out_at_one_server_ends_streams_at_the_others():
    with bare() as w, Server(w, "--no-jobs") as one, Server(w, "--no-jobs") as two:
        here = given(w, one)
        there = at(two, here)
        token = Person(two)
        made = here.ok("POST", "/tokens", {"name": "script", "scope": "viewer", "days": 1})
        token.token = made["text"]
        with there.events() as page, token.events() as script:
            page.next("hello")
            script.next("hello")
            here.ok("DELETE", f"/tokens/{made['token']['id']}")
            script.wait_end()
            page.wait_end()  # it comes back, because she is still signed in
        with there.events() as page:
            page.next("hello")
            here.ok("DELETE", "/session")
            page.wait_end()
        assert there.call("GET", "/tables")[0] == 401
        assert token.call("GET", "/tables")[0] == 401


if __name__ == "__main__":
    sys.exit(main({name: value for name, value in globals().items() if name.startswith("story_")}))
