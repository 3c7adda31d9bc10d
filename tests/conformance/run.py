#!/usr/bin/env python3
"""Real clients against localorg: they must not be able to tell.

Each script prints one line a check and ends with `N passed, N failed`.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import clients  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ARGIL = ROOT / os.environ.get("ARGIL_BUILD", "build") / "src/argil/argil"
LOCALORG = ROOT / os.environ.get("ARGIL_BUILD", "build") / "src/localorg/rest/localorg"


def drive(node, modules, script):
    """(passed, failed) of one script against an org of its own."""
    with tempfile.TemporaryDirectory() as home:
        org = subprocess.Popen([str(LOCALORG), "serve", "--json", "--listen", "127.0.0.1:0", "--seed", "demo",
                                "--data", f"{home}/org.db"], stdout=subprocess.PIPE, text=True)
        try:
            ready = org.stdout.readline()
            json.loads(ready)
            run = subprocess.run([node, str(script)], text=True, capture_output=True, timeout=900,
                                 env=dict(os.environ, NODE_PATH=modules, LOCALORG=ready, ARGIL=str(ARGIL)))
            print(f"-- {script.name}\n{run.stdout}{run.stderr}")
            line = re.findall(r"^(\d+) passed, (\d+) failed", run.stdout, flags=re.M)
            passed, failed = (int(line[-1][0]), int(line[-1][1])) if line else (0, 1)
            if org.poll() is not None:
                print(f"localorg died with {org.returncode}")
                failed += 1
        finally:
            org.terminate()
            code = org.wait(20)
        if code not in (0, -15):
            print(f"localorg left with {code}")
            failed += 1
    return passed, failed


def main():
    node, modules = clients.ensure()
    scripts = sorted(pathlib.Path(__file__).resolve().parent.glob("*.js"))
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda script: drive(node, modules, script), scripts))
    passed, failed = sum(p for p, _ in results), sum(f for _, f in results)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
