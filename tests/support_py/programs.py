"""The real programs, for tests that tell a user's story.

    with Workspace() as w:
        w.org                       # localorg with the demo seed
        w.argil("sync", "accounts") # parsed JSON; the exit code is checked
"""
import atexit
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / os.environ.get("ARGIL_BUILD", "build")
ARGIL = BUILD / "src/argil/argil"
LOCALORG = BUILD / "src/localorg/rest/localorg"


class Org:
    """localorg as a child process."""

    def __init__(self, data=None, seed="demo", scale=1, latency=0, port=0, more=()):
        command = [str(LOCALORG), "serve", "--json", "--listen", f"127.0.0.1:{port}", "--seed", seed,
                   "--scale", str(scale)]
        if data:
            command += ["--data", str(data)]
        if latency:
            command += ["--latency", str(latency)]
        self.process = subprocess.Popen(command + list(more), stdout=subprocess.PIPE, text=True)
        self.ready = json.loads(self.process.stdout.readline())
        atexit.register(self.stop)  # an org that outlives a failed test would hold its pipes open
        self.url = self.ready["url"]
        self.token = self.ready["access_token"]

    def call(self, method, path, body=None, headers=None):
        """(status, parsed body)."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data=data, method=method, headers={
            "Authorization": "Bearer " + self.token, "Content-Type": "application/json", **(headers or {})})
        try:
            with urllib.request.urlopen(request) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text.strip() else None
        except urllib.error.HTTPError as error:
            text = error.read()
            return error.code, json.loads(text) if text.strip()[:1] in (b"[", b"{") else text.decode()

    def get(self, path):
        status, body = self.call("GET", path)
        assert status == 200, (path, status, body)
        return body

    def query(self, soql):
        answer = self.get("/services/data/v66.0/query?q=" + urllib.parse.quote(soql))
        records = answer["records"]
        while not answer["done"]:
            answer = self.get(answer["nextRecordsUrl"])
            records += answer["records"]
        return records

    def count(self, soql):
        return self.get("/services/data/v66.0/query?q=" + urllib.parse.quote(soql))["totalSize"]

    def control(self, method, path, body=None):
        status, answer = self.call(method, "/localorg" + path, body)
        assert status < 300, (method, path, status, answer)
        return answer

    def calls_used(self):
        limits = self.get("/services/data/v66.0/limits")["DailyApiRequests"]
        return limits["Max"] - limits["Remaining"]

    def stop(self):
        atexit.unregister(self.stop)
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        return self.process.returncode


class Workspace:
    """An org, an initialised workspace, a connection named demo."""

    def __init__(self, org=None, connect=True, **org_options):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="argil-test-"))
        self.own_org = org is None
        self.org = org or Org(**org_options)
        self.env = dict(os.environ, ARGIL_DATA=str(self.home / "data"), XDG_CONFIG_HOME=str(self.home / "config"),
                        ARGIL_ALLOW_PRIVATE_HTTP="1", ARGIL_INSECURE_HOST="127.0.0.1", ARGIL_SETTLE_MS="0", NO_COLOR="1")
        if os.environ.get("ARGIL_TEST_STORE") == "postgres":  # by support/with_postgres.py; a workspace each
            self.env["ARGIL_STORE"] = f"{os.environ['ARGIL_TEST_POSTGRES']}&workspace={self.home.name}"
        if connect:
            try:
                self.argil("init")
                self.connect()
            except BaseException:
                self.close()
                raise

    def connect(self, token=None):
        env = dict(self.env, ARGIL_ACCESS_TOKEN=token or self.org.token)
        file = self.home / "token"
        file.write_text(token or self.org.token)
        self.env = env
        self.argil("connect", "demo", "--url", self.org.url, "--access-token-file", str(file))

    def run(self, *words, timeout=600, env=None):
        """The finished process, whatever its exit code."""
        return subprocess.run([str(ARGIL), *words], text=True, capture_output=True, timeout=timeout,
                              env=dict(self.env, **(env or {})))

    def argil(self, *words, ok=(0,), env=None):
        done = self.run(*words, "--json", env=env)
        assert done.returncode in ok, f"argil {' '.join(words)} left with {done.returncode}\n{done.stderr}\n{done.stdout[-3000:]}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    def recipe(self, text, name="recipe.yaml"):
        path = self.home / name
        path.write_text(text.replace("http://127.0.0.1:8460", self.org.url))
        return str(path)

    def example(self, name):
        return self.recipe((ROOT / "examples" / name).read_text(), name)

    def journal(self):
        return {row["state"]: int(row["operations"]) for row in self.argil("journal", "check", ok=(0, 3))}

    def close(self):
        if self.own_org:
            self.org.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def tell(stories):
    """A line each; how many passed and failed."""
    passed = failed = 0
    for name, story in stories:
        try:
            story()
            passed += 1
            print(f"ok      {name[6:].replace('_', ' ')}", flush=True)
        except Exception as error:  # a story may fail in any way; all are told
            failed += 1
            print(f"FAILED  {name[6:].replace('_', ' ')}\n        {type(error).__name__}: {str(error)[:1500]}", flush=True)
    return passed, failed


HAND_OUT = "ARGIL_TEST_STORIES"  # the pipe that says which story is next


def handed_out(pipe, chosen):
    while number := os.read(pipe, 2):
        yield chosen[int.from_bytes(number, "big")]


def spread(count, processes):
    """The stories by several processes of this program: each takes the next one when it is free."""
    here, there = os.pipe()
    for number in range(count):
        os.write(there, number.to_bytes(2, "big"))
    os.close(there)
    children = [subprocess.Popen([sys.executable, *sys.argv], env=dict(os.environ, **{HAND_OUT: str(here)}), pass_fds=[here],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(min(count, processes))]
    passed = 0
    for child in children:
        said = child.communicate()[0]
        counts = re.findall(r"^(\d+) passed, (\d+) failed\n", said, flags=re.M)
        print(re.sub(r"^\d+ passed, \d+ failed\n", "", said, flags=re.M), end="", flush=True)
        passed += sum(int(c[0]) for c in counts)
    return passed, count - passed  # a process that died took its story with it


def main(stories, processes=1):
    """Runs functions named story_*, prints a line each and the closing count. processes: so many
    times this program, each with what its modules make (an org); a story goes to the one that is
    free."""
    words = sys.argv[1:]
    chosen = [(name, story) for name, story in stories.items()
              if name.startswith("story_") and (not words or any(w in name for w in words))]
    if HAND_OUT in os.environ:
        passed, failed = tell(handed_out(int(os.environ[HAND_OUT]), chosen))
    elif processes > 1 and len(chosen) > 1:
        passed, failed = spread(len(chosen), processes)
    else:
        passed, failed = tell(chosen)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0
