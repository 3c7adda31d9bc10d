#!/usr/bin/env python3
"""The demo with both programs under ASan, UBSan and LeakSanitizer.

Twice on the same data, so that the second run (our own writes coming back) is
covered too. The formula worker is the plain build's: sanitizers cannot live with
its memory ceiling and system call filter.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def main():
    subprocess.run([str(ROOT / "dev"), "build", "asan"], check=True)
    passed = failed = 0
    with tempfile.TemporaryDirectory() as home:
        env = dict(os.environ, ARGIL_BUILD="build-asan",
                   ARGIL_FORMULA_WORKER=str(ROOT / os.environ.get("ARGIL_BUILD", "build") / "src/argil/argil"),
                   ASAN_OPTIONS="detect_leaks=1:exitcode=99", UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1")
        for turn in ("first", "second"):
            run = subprocess.run([sys.executable, str(ROOT / "tools/demo.py"), "--exit", "--home", home + "/demo"],
                                 text=True, capture_output=True, env=env, timeout=600)
            log = pathlib.Path(home, "demo/localorg.log").read_text(errors="replace")
            said = run.stdout + run.stderr + log
            bad = run.returncode or any(w in said for w in ("LeakSanitizer", "AddressSanitizer", "runtime error:"))
            passed += not bad
            failed += bool(bad)
            print(f"{'FAILED' if bad else 'ok':<7} the {turn} demo, no leak, no undefined behaviour")
            if bad:
                print(said[-4000:])
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
