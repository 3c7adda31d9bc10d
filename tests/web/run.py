#!/usr/bin/env python3
"""The web app as people use it: `argil serve` over localorg, in Debian's Chromium.

    tests/web/run.py [WORD...]     only stories whose name holds a WORD

site.js has the server, the person and what is watched on every page: the content
security policy, requests to elsewhere, errors in the console, axe-core in both themes.
"""
import importlib.util
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BROWSER = HERE.parent / "browser"
sys.path.insert(0, str(BROWSER))
spec = importlib.util.spec_from_file_location("browser_run", BROWSER / "run.py")
runner = importlib.util.module_from_spec(spec)
spec.loader.exec_module(runner)

def alone(script):
    """./dev screenshots: docs/images/web-*.png; ./dev bench web: figures of the grid."""
    node, env = runner.browser.ensure()
    return subprocess.run([node, str(HERE / script)], env=env).returncode


if __name__ == "__main__":
    scripts = {"--screenshots": "screenshots.js", "--bench": "bench.js"}
    wanted = [scripts[word] for word in sys.argv[1:] if word in scripts]
    sys.exit(alone(wanted[0]) if wanted else runner.main(HERE))
