#!/usr/bin/env python3
"""The server as programs and pages see it: argil serve over localorg."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support_py"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import connecting  # noqa: E402
import contract  # noqa: E402
import deciding  # noqa: E402
import doors  # noqa: E402
import far  # noqa: E402
import live  # noqa: E402
import looking  # noqa: E402
import main_job  # noqa: E402
import typing_stories as typing  # noqa: E402
from programs import main  # noqa: E402

if __name__ == "__main__":
    stories = {}
    for module in (main_job, contract, connecting, deciding, doors, far, live, looking, typing):
        stories.update({name: value for name, value in vars(module).items() if name.startswith("story_")})
    sys.exit(main(stories, processes=3))
