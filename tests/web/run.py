#!/usr/bin/env python3
"""The web app as people use it: `argil serve` over localorg, in Debian's Chromium.

    tests/web/run.py [WORD...]     only stories whose name holds a WORD

site.js has the server, the person and what is watched on every page: the content
security policy, requests to elsewhere, errors in the console, axe-core in both themes.
"""
import importlib.util
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BROWSER = HERE.parent / "browser"
ROOT = HERE.parent.parent
sys.path.insert(0, str(BROWSER))
sys.path.insert(0, str(HERE))
import screens  # noqa: E402
spec = importlib.util.spec_from_file_location("browser_run", BROWSER / "run.py")
runner = importlib.util.module_from_spec(spec)
spec.loader.exec_module(runner)


def alone(script):
    """./dev screenshots: docs/images/web-*.png; ./dev bench web: figures of the grid."""
    node, env = runner.browser.ensure()
    return subprocess.run([node, str(HERE / script)], env=env).returncode


def tell():
    """All stories, then: was every screen looked at?"""
    looked_at = ROOT / os.environ.get("ARGIL_BUILD", "build") / "web-screens.txt"
    if len(sys.argv) > 1:  # only some stories
        return runner.main(HERE, at_once=2)
    looked_at.unlink(missing_ok=True)
    return runner.main(HERE, {"every screen was looked at": lambda: screens.missing(ROOT / "web/src", looked_at)}, at_once=2)


if __name__ == "__main__":
    scripts = {"--screenshots": "screenshots.js", "--bench": "bench.js"}
    wanted = [scripts[word] for word in sys.argv[1:] if word in scripts]
    sys.exit(alone(wanted[0]) if wanted else tell())
