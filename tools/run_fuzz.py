#!/usr/bin/env python3
"""./dev fuzz [SECONDS]: every fuzz target for so long (default 60), one after the other.

What a target finds stays in build-fuzz/found/. Ends with `N passed, N failed`.
"""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build-fuzz/tests/fuzz"


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    passed = failed = 0
    for target in sorted(p for p in BUILD.glob("fuzz_*") if p.is_file() and p.stat().st_mode & 0o111):
        found = ROOT / "build-fuzz/found" / target.name
        grown = ROOT / "build-fuzz/corpus" / target.name
        seeds = ROOT / "tests/fuzz/corpus" / target.name.removeprefix("fuzz_")
        for folder in (found, grown):
            folder.mkdir(parents=True, exist_ok=True)
        run = subprocess.run([str(target), str(grown)] + ([str(seeds)] if seeds.is_dir() else []) +
                             [f"-max_total_time={seconds}", f"-artifact_prefix={found}/", "-print_final_stats=1"],
                             text=True, capture_output=True)
        runs = [line.split()[-1] for line in run.stderr.splitlines() if "number_of_executed_units" in line]
        print(f"{'ok' if run.returncode == 0 else 'FAILED':<7} {target.name}: {runs[-1] if runs else '?'} inputs", flush=True)
        if run.returncode:
            print(run.stderr[-3000:])
        passed += run.returncode == 0
        failed += run.returncode != 0
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
