#!/usr/bin/env python3
"""Stories in a real browser: every *.stories.js here, one after the other.

    tests/browser/run.py [WORD...]     only stories whose name holds a WORD

A story that fails leaves a screenshot, the page's HTML and its console under
build/browser-failures/ and prints where. How to write one: support.js.
"""
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import browser  # noqa: E402


def main(folder=HERE):
    node, env = browser.ensure()
    passed = failed = 0
    for script in sorted(folder.glob("*.stories.js")):
        run = subprocess.Popen([node, str(script), *sys.argv[1:]], text=True, env=env,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        print(f"-- {script.name}")
        text = ""
        for said in run.stdout:
            print(said, end="", flush=True)
            text += said
        run.wait()
        line = re.findall(r"^(\d+) passed, (\d+) failed", text, flags=re.M)
        good, bad = (int(line[-1][0]), int(line[-1][1])) if line else (0, 1)
        passed, failed = passed + good, failed + bad
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
