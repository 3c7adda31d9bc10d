#!/usr/bin/env python3
"""Runs every test and ends with one line: N passed, N failed.

Order: room rules; unit and seam tests in the plain build; the same under
ASan+UBSan; then what drives the real programs (conformance, stories, kills).
A test program that dies counts as one failure, whatever it printed before.
"""
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
os.chdir(ROOT)

passed, failed, failures = 0, 0, []


def count(name, ok, why=""):
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        failures.append(f"{name}{': ' + why if why else ''}")


def headline(text):
    print(f"\n== {text}", flush=True)


def rooms():
    headline("room rules")
    run = subprocess.run([sys.executable, "tools/check_rooms.py"], text=True, capture_output=True)
    print(run.stdout, end="")
    count("room rules", run.returncode == 0)


def meson_results(build):
    log = pathlib.Path(build) / "meson-logs" / "testlog.json"
    if not log.exists():
        return
    for line in log.read_text().splitlines():
        yield json.loads(line)


def meson(build, label, words):
    """Unit tests of one build directory; cmocka's own counts are summed."""
    headline(f"{label}: build")
    made = subprocess.run(["./dev", "build"] + ([label] if label != "plain" else []))
    if made.returncode:
        count(f"{label} build", False)
        return
    headline(f"{label}: test")
    listed = subprocess.run(["meson", "test", "-C", build, "--list"], text=True, capture_output=True)
    names = [n.split(" / ")[-1].strip() for n in listed.stdout.splitlines() if n.strip() and not n.startswith("ninja")]
    if words:
        names = [n for n in names if any(w in n for w in words)]
        if not names:
            return
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:abort_on_error=0:allocator_may_return_null=1",
               UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1", MALLOC_PERTURB_="0")
    subprocess.run(["meson", "test", "-C", build, "--no-rebuild", "--print-errorlogs",
                    "--timeout-multiplier", "4"] + (names if words else []), env=env)
    for result in meson_results(build):
        name = f"{label}/{result['name']}"
        text = (result.get("stdout") or "") + (result.get("stderr") or "")
        good = sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", text))
        bad = len(re.findall(r"^\[  FAILED  \] \w", text, flags=re.M)) and sum(
            int(n) for n in re.findall(r"\[  FAILED  \] (\d+) test", text))
        global passed
        passed += good
        for why, times in collections.Counter(re.findall(r"^skipped: (.*)", text, flags=re.M)).items():
            print(f"skipped: {times} in {name}: {why}")
        if bad:
            for test in sorted(set(re.findall(r"^\[  FAILED  \] ([A-Za-z_]\S*)", text, flags=re.M))):
                count(f"{name} {test}", False)
        elif result["result"] == "SKIP":
            print(f"skipped: {name}")
        elif result["result"] != "OK":
            count(name, False, f"{result['result']}, exit {result.get('returncode')}")
        elif not good:
            count(name, True)


def told(text, lines=12):
    """What a program said of each story that failed, for the end of a long log."""
    out = []
    for match in re.finditer(r"^FAILED .*(?:\n(?:[ \t]+\S.*|[+-] .*|[ \t]*$))*", text, flags=re.M):
        out += ["  " + line[:400] for line in match[0].rstrip().splitlines()[:lines] if line.strip()]
    return "".join("\n" + line for line in out)


def program(name, command, words, timeout=1500):
    """A test program that ends with its own `N passed, N failed`."""
    if words and not any(w in name for w in words):
        return
    headline(name)
    began = time.monotonic()
    try:
        run = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout)
        text, code = run.stdout, run.returncode
    except subprocess.TimeoutExpired as late:
        text, code = (late.stdout or b"").decode(errors="replace") if isinstance(late.stdout, bytes) else (late.stdout or ""), -1
        text += f"\n(stopped after {timeout} s)"
    print("\n".join(text.splitlines()[-40:]))
    print(f"({time.monotonic() - began:.0f} s)")
    line = re.findall(r"^(\d+) passed, (\d+) failed", text, flags=re.M)
    global passed, failed
    if line:
        passed += int(line[-1][0])
        failed += int(line[-1][1])
        if int(line[-1][1]):
            failures.append(f"{name}: {line[-1][1]} failed{told(text)}")
    if code and not (line and int(line[-1][1])):
        count(name, False, f"exit {code}")
    elif not line:
        count(name, True)


def main():
    words = sys.argv[1:]
    subprocess.run(["./dev", "install"], check=True)
    if not words or "rooms" in words:
        rooms()
    meson("build", "plain", words)
    if not os.environ.get("ARGIL_TEST_PLAIN_ONLY"):
        meson("build-asan", "asan", words)
    for script in sorted(pathlib.Path("tests").glob("*/run.*")):
        if script.suffix in (".py", ".sh"):
            program(script.parent.name, [sys.executable if script.suffix == ".py" else "bash", str(script)], words)
    print()
    for failure in failures:
        print(f"FAILED {failure}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
