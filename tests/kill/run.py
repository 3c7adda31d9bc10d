#!/usr/bin/env python3
"""The kill campaign in ./dev test: 200 random moments, the seed is printed."""
import pathlib
import subprocess
import sys

sys.exit(subprocess.run([sys.executable, str(pathlib.Path(__file__).with_name("kill_demo.py")), "200"]).returncode)
