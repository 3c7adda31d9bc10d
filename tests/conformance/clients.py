"""Real clients from npm, installed once a machine beside the build."""
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/support_py"))
import npm  # noqa: E402

HOME = pathlib.Path(os.environ.get("ARGIL_CLIENTS", ROOT / "build-clients"))
# jsforce 3.10.19 and newer want Node 22, which Debian does not have: npm brings it.
# @salesforce/cli is sf: 725 packages, 300 MB, half a minute to install.
PACKAGES = {"node": "22.23.3", "jsforce": "3.10.26", "@salesforce/cli": "2.150.6", "jszip": "3.10.1"}


def ensure():
    """Returns (node program, NODE_PATH)."""
    return npm.ensure(HOME, PACKAGES)
