"""A real browser for stories: Debian's Chromium, driven by playwright-core.

    node, env = browser.ensure()

Chromium comes from apt, playwright-core (which brings no browser of its own)
and a node that it accepts from npm; both are installed once a machine.
"""
import os
import pathlib
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/support_py"))
import npm  # noqa: E402

HOME = pathlib.Path(os.environ.get("ARGIL_BROWSER_CLIENTS", ROOT / "build-browser"))
PACKAGES = {"node": "22.23.3", "playwright-core": "1.65.1", "axe-core": "4.14.1"}
CHROMIUM = "/usr/bin/chromium"


def ensure():
    """Returns (node program, environment for it)."""
    if not shutil.which(CHROMIUM):
        npm.apt_install("chromium")
    node, modules = npm.ensure(HOME, PACKAGES)
    return node, dict(os.environ, NODE_PATH=modules, CHROMIUM=CHROMIUM, ARGIL_ROOT=str(ROOT),
                      ARGIL_BUILD_DIR=str(ROOT / os.environ.get("ARGIL_BUILD", "build")))
