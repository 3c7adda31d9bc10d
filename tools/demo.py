#!/usr/bin/env python3
"""./dev demo: the main job from end to end, on a real org surface.

Starts localorg with a seeded org and `argil serve`, connects the two through the
org's OAuth pages as a browser would, applies two recipes, imports, enriches,
writes back, and then counts on the org's side what really happened. The commands
are the usual ones, and talk to the server. A second run on the same data changes
nothing and says so. Exit 0 only if every step held.
"""
import argparse
import html
import http.cookiejar
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / os.environ.get("ARGIL_BUILD", "build")
INSTALLED = os.environ.get("ARGIL_PROGRAMS")  # a folder with both, instead of a build's
ARGIL = pathlib.Path(INSTALLED, "argil") if INSTALLED else BUILD / "src/argil/argil"
LOCALORG = pathlib.Path(INSTALLED, "localorg") if INSTALLED else BUILD / "src/localorg/rest/localorg"
BOLD, PLAIN = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")


class Failed(Exception):
    """A step that did not hold."""


def free_port(wanted):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
            return wanted
        except OSError:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]


class Org:
    """localorg as a child process."""

    def __init__(self, home, port, scale=1, latency=0):
        command = [str(LOCALORG), "serve", "--json", "--listen", f"127.0.0.1:{port}",
                   "--data", str(home / "org.db"), "--seed", "demo", "--scale", str(scale)]
        if latency:
            command += ["--latency", str(latency)]
        self.log = open(home / "localorg.log", "ab")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log)
        line = self.process.stdout.readline()
        if not line:
            raise Failed(f"localorg did not start; see {home}/localorg.log")
        self.ready = json.loads(line)
        self.url = self.ready["url"]

    def get(self, path):
        request = urllib.request.Request(self.url + path, headers={
            "Authorization": "Bearer " + self.ready["access_token"]})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def query(self, soql):
        answer = self.get("/services/data/v66.0/query?q=" + urllib.parse.quote(soql))
        records = answer["records"]
        while not answer["done"]:
            answer = self.get(answer["nextRecordsUrl"])
            records += answer["records"]
        return records

    def count(self, soql):
        return self.get("/services/data/v66.0/query?q=" + urllib.parse.quote(soql))["totalSize"]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()


def sign_in_as_a_browser(url, username, password, jar=None):
    """Start page, login page, consent page, back to the program that asked."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar or http.cookiejar.CookieJar()))

    def form(page, base, wanted, extra):
        for action, inner in re.findall(r'<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>', page, flags=re.S):
            if wanted not in inner:
                continue
            fields = {}
            for tag in re.findall(r"<input[^>]*>", inner):
                name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
                kind = re.search(r'type="([^"]*)"', tag)
                if name and (not kind or kind.group(1) not in ("submit", "button") or f'id="{wanted}"' in tag):
                    fields[name.group(1)] = html.unescape(value.group(1)) if value else ""
            button = re.search(rf'<button[^>]*id="{wanted}"[^>]*>', inner)
            if button and (name := re.search(r'name="([^"]*)"', button.group())):
                value = re.search(r'value="([^"]*)"', button.group())
                fields[name.group(1)] = html.unescape(value.group(1)) if value else ""
            fields.update(extra)
            return urllib.parse.urljoin(base, html.unescape(action)), urllib.parse.urlencode(fields).encode()
        raise Failed(f"no form with {wanted} on {base}")

    page = opener.open(url)
    text = page.read().decode()
    if go := re.search(r'id="continue" href="([^"]*)"', text):  # argil's own start page
        page = opener.open(urllib.parse.urljoin(page.url, html.unescape(go.group(1))))
        text = page.read().decode()
    if 'id="username"' in text:
        where, body = form(text, page.url, "username", {"username": username, "un": username, "pw": password})
        page = opener.open(where, body)
        text = page.read().decode()
    if 'id="oaapprove"' in text:
        where, body = form(text, page.url, "oaapprove", {})
        page = opener.open(where, body)
        text = page.read().decode()
    return page.url


def argil(home, *words, ok=(0,), env=None):
    """Runs argil; returns parsed JSON of its output when there is any."""
    environment = dict(os.environ, ARGIL_DATA=str(home / "argil"), XDG_CONFIG_HOME=str(home / "config"),
                       ARGIL_ALLOW_PRIVATE_HTTP="1", ARGIL_INSECURE_HOST="127.0.0.1", **(env or {}))
    run = subprocess.run([str(ARGIL), *words, "--json"], text=True, capture_output=True, env=environment)
    if run.returncode not in ok:
        raise Failed(f"`argil {' '.join(words)}` left with {run.returncode}:\n{run.stderr}{run.stdout[-2000:]}")
    return json.loads(run.stdout) if run.stdout.strip() else None


class Server:
    """`argil serve` as a child process, and the demo's own account on it."""

    def __init__(self, home, port, more=()):
        self.home, self.jar = home, http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        self.log = open(home / "serve.log", "ab")
        self.process = subprocess.Popen(
            [str(ARGIL), "serve", "--json", "--listen", f"127.0.0.1:{port}", *more], stdout=subprocess.PIPE, stderr=self.log,
            env=dict(os.environ, ARGIL_DATA=str(home / "argil"), XDG_CONFIG_HOME=str(home / "config"),
                     ARGIL_ALLOW_PRIVATE_HTTP="1", ARGIL_INSECURE_HOST="127.0.0.1"))
        line = self.process.stdout.readline()
        if not line:
            raise Failed(f"argil serve did not start; see {home}/serve.log")
        self.ready = json.loads(line)
        self.url = self.ready["url"]
        self.account, self.csrf = self.sign_in()
        self.token = self.ask("POST", "/tokens", {"name": "demo", "scope": "admin", "days": 1})["text"]

    def ask(self, method, path, body=None):
        headers = {"Content-Type": "application/json", "X-Argil-CSRF": getattr(self, "csrf", "")}
        request = urllib.request.Request(self.url + "/api/v1" + path, method=method, headers=headers,
                                         data=None if body is None else json.dumps(body).encode())
        try:
            with self.opener.open(request) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise Failed(f"{method} {path}: {error.code} {error.read().decode()[:1000]}") from None
        return json.loads(text) if text else None

    def sign_in(self):
        """The first start makes an account, by the link that the server printed."""
        keep = self.home / "account.json"
        if self.ready["setup_url"]:
            account = {"login": "demo", "password": secrets.token_urlsafe(12)}
            keep.touch(0o600)
            keep.write_text(json.dumps(account))
            body = dict(account, name="Demo", code=self.ready["setup_url"].split("#")[1])
            return account, self.ask("POST", "/setup", body)["csrf"]
        account = json.loads(keep.read_text())
        return account, self.ask("POST", "/session", account)["csrf"]

    def connect(self, name, org):
        """As the web app does: begin here, log in and consent there, come back."""
        begun = self.ask("POST", f"/connections/{name}/signin", {
            "environment": "local", "login_url": org.url, "client_id": org.ready["client_id"],
            "client_secret": org.ready["client_secret"]})
        sign_in_as_a_browser(begun["url"], org.ready["username"], org.ready["password"], self.jar)
        ended = self.ask("GET", f"/connections/{name}/signin")
        if ended["state"] != "connected":
            raise Failed(f"connecting: {ended}")
        return self.ask("GET", f"/connections/{name}")

    def env(self):
        return {"ARGIL_URL": self.url, "ARGIL_TOKEN": self.token}

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()


def recipes(home, org):
    """The examples, pointed at the port localorg really has."""
    for path in sorted((ROOT / "examples").glob("*.yaml")):
        text = path.read_text().replace("http://127.0.0.1:8460", org.url)
        copy = home / path.name
        copy.write_text(text)
        yield copy


def duplicate_emails(org):
    seen, twice = set(), 0
    for record in org.query("SELECT Email FROM Lead WHERE Email != null"):
        email = record["Email"].lower()
        twice += email in seen
        seen.add(email)
    return twice


# What a run's report says, by the names of the summary. A sync makes the server compute what
# is due by itself, so that the runs of people alone would tell half of it.
COUNTED = {"cells_computed": "computed", "looked_up": "looked_up", "created": "created", "adopted": "adopted",
           "updated": "updated", "upserted": "upserted", "refused": "refused", "rejected": "rejected",
           "in_doubt": "in_doubt", "api_calls": "calls", "api_calls_one_each": "calls_one_each"}


def run_tables(home, server, tables):
    total = dict.fromkeys(COUNTED, 0)
    reasons = {}
    before = max((run["id"] for run in server.ask("GET", "/runs?limit=1")["runs"]), default=0)
    for table in tables:
        sync = argil(home, "sync", table, env=server.env())
        said(f"{table}: {sync['statement']}")
        argil(home, "run", table, "--yes", ok=(0, 3), env=server.env())
        for key in ("rows", "added", "changed"):
            total[key] = total.get(key, 0) + sync[key]
        total["api_calls"] += sync["api_calls"]
        total["api_calls_one_each"] += sync.get("api_calls_one_each", 0)
    for report in reports_since(server, before):
        for key, name in COUNTED.items():
            total[key] += report.get(name, 0)
        for refusal in report.get("reasons", []):
            reasons[refusal["message"]] = reasons.get(refusal["message"], 0) + refusal["count"]
    return total, reasons


def reports_since(server, before):
    """Of every run of columns behind that one, when none is at work any more."""
    while True:
        runs = [run for run in server.ask("GET", "/runs?limit=100")["runs"] if run["id"] > before]
        if all(run["ended"] for run in runs):
            return [run["report"] for run in runs if run["kind"] == "run" and run["report"]]
        time.sleep(0.2)


def said(text, indent="  "):
    """Wrapped for a terminal of 80 columns."""
    print(textwrap.fill(text, 78, initial_indent=indent, subsequent_indent=indent + "  ",
                        break_long_words=False, break_on_hyphens=False))


def line(what, value):
    print(f"  {what:<34} {value:>8,}" if isinstance(value, int) else f"  {what:<34} {value:>8}")


def summary(total, reasons, made, duplicates, seconds):
    print(f"\n{BOLD}What happened{PLAIN}")
    line("rows imported", total["added"] + total["changed"])
    line("rows in the tables", total["rows"])
    line("cells computed", total["cells_computed"])
    line("records looked up", total["looked_up"])
    line("records created", total["created"])
    line("found instead of created", total["adopted"])
    line("records updated", total["updated"])
    line("refused before any call", total["refused"])
    line("refused by the org", total["rejected"])
    line("in doubt", total["in_doubt"])
    for why, count in sorted(reasons.items(), key=lambda item: -item[1])[:8]:
        said(f"{count} x {why}", "      ")
    line("API calls", total["api_calls"])
    line("one call a record would be", total["api_calls_one_each"])
    line("duplicates made", duplicates)
    line("seconds", f"{seconds:.1f}")
    print("\nCounted on the org's side: " + ", ".join(f"{n:,} {what}" for what, n in made.items()))


def demo(args):
    home = pathlib.Path(args.home or os.environ.get("ARGIL_DEMO_HOME") or ROOT / ".demo").resolve()
    if args.fresh and home.exists():
        shutil.rmtree(home)
    again = (home / "argil").exists()
    home.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    org = server = None
    try:
        org = Org(home, free_port(8460), args.scale)
        print(f"{BOLD}localorg{PLAIN} is an org on {org.url} (user {org.ready['username']})")
        if not again:
            argil(home, "init", "--name", "demo")
        server = Server(home, free_port(8470))
        print(f"{BOLD}argil serve{PLAIN} is on {server.url}")
        who = server.connect("demo", org)
        print(f"{BOLD}connected{PLAIN} through the OAuth pages as {who['username']} ({who['environment']})")
        leads, twins = org.count("SELECT COUNT() FROM Lead"), duplicate_emails(org)
        blank = org.count("SELECT COUNT() FROM Account WHERE Industry = null")
        tables = []
        for path in recipes(home, org):
            plan = argil(home, "apply", str(path), env=server.env())
            tables.append(plan["table"])
            print(f"{BOLD}applied{PLAIN} {path.name}: {len(plan['plan'])} changes")
        print(f"{BOLD}import, enrich, write back{PLAIN}")
        total, reasons = run_tables(home, server, tables)
        seconds = time.monotonic() - began
        new_leads = org.count("SELECT COUNT() FROM Lead") - leads
        duplicates = duplicate_emails(org) - twins
        filled = blank - org.count("SELECT COUNT() FROM Account WHERE Industry = null")
        summary(total, reasons, {"new Leads": new_leads, "Accounts that got an industry": filled},
                duplicates, seconds)

        check = {row["state"]: int(row["operations"])
                 for row in argil(home, "journal", "check", ok=(0, 3), env=server.env())}
        held = [
            (duplicates == 0, "no duplicate was made"),
            (new_leads == total["created"], "every created record was counted once"),
            (total["in_doubt"] == 0, "nothing is in doubt"),
            (check.get("planned", 0) + check.get("sending", 0) + check.get("unknown", 0) == 0,
             "every operation is settled"),
        ]
        if again:
            wrote = total["created"] + total["updated"] + total["upserted"]
            held.append((wrote == 0 and new_leads == 0 and filled == 0, "a second run changed nothing"))
        else:
            held.append((total["created"] > 0 and total["updated"] > 0 and total["refused"] > 0,
                         "records were created, updated and refused with reasons"))
        print()
        for ok, what in held:
            print(f"  {'held' if ok else 'BROKEN':<7}{what}")
        if again and held[-1][0]:
            print("\nNothing to do: the org already holds everything this demo would write.")
        look_around(home, org, server, args.exit)
        if not args.exit and all(ok for ok, _ in held):
            print("\nBoth keep running. Ctrl-C stops them.")
            try:
                server.process.wait()
            except KeyboardInterrupt:
                pass
        return 0 if all(ok for ok, _ in held) else 1
    finally:
        for child in (server, org):
            if child:
                child.stop()


def look_around(home, org, server, over):
    near = os.path.relpath(home)
    here = home if near.startswith("..") else near
    if over:
        where = f"  export ARGIL_DATA={here}/argil XDG_CONFIG_HOME={here}/config\n"
    else:
        print(f"\n{BOLD}The web app{PLAIN}: {server.url}/\n"
              f"  sign in as {server.account['login']} with the password {server.account['password']}")
        where = f"  export ARGIL_URL={server.url} ARGIL_TOKEN={server.token}\n"
    print("\nLook around:\n" + where + f"  export PATH={os.path.relpath(ARGIL.parent)}:$PATH\n"
          "  argil table show accounts; argil runs; argil journal list; argil journal check\n"
          f"The org's own page: {org.url}/localorg/")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exit", action="store_true", help="stop after the summary")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier demo left")
    parser.add_argument("--home", help="where the demo keeps its data (default .demo here)")
    parser.add_argument("--scale", type=int, default=1, help="thousands of Accounts in the seeded org")
    parser.add_argument("--sign-in", nargs=2, metavar=("URL", "USER"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    try:
        if args.sign_in:  # a $BROWSER for tests
            print(sign_in_as_a_browser(args.sign_in[0], args.sign_in[1], os.environ["ARGIL_DEMO_PASSWORD"]))
            return 0
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that children are stopped, too
        return demo(args)
    except Failed as failed:
        print(f"{BOLD}The demo did not hold:{PLAIN} {failed}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
