#!/usr/bin/env python3
"""Stories in a real browser: every *.stories.js here, one after the other.

    tests/browser/run.py [WORD...]     only stories whose name holds a WORD

A story that fails leaves a screenshot, the page's HTML and its console under
build/browser-failures/ and prints where. How to write one: support.js.
"""
import concurrent.futures
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import browser  # noqa: E402


def tell(node, env, script):
    """What it said, whole: several are told side by side."""
    run = subprocess.run([node, str(script), *sys.argv[1:]], text=True, env=env, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT)
    print(f"-- {script.name}\n{run.stdout}", end="", flush=True)
    line = re.findall(r"^(\d+) passed, (\d+) failed", run.stdout, flags=re.M)
    return (int(line[-1][0]), int(line[-1][1])) if line else (0, 1)


def main(folder=HERE, after=None, at_once=1):
    """after: names and functions that are asked when all is told; what one returns is a problem."""
    node, env = browser.ensure()
    scripts = sorted(folder.glob("*.stories.js"), key=lambda script: -script.stat().st_size)  # long ones first
    with concurrent.futures.ThreadPoolExecutor(at_once) as several:
        counts = list(several.map(lambda script: tell(node, env, script), scripts))
    passed, failed = (sum(column) for column in zip(*counts))
    for name, ask in (after or {}).items():
        problems = ask()
        print(f"{'FAILED' if problems else 'ok    '}  {name}", *problems, sep="\n        ")
        passed, failed = passed + (not problems), failed + bool(problems)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
