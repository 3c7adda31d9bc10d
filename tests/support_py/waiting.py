"""Waiting for the thing itself."""
import time


def until(what, holds, seconds=240):
    """The time is for a machine that hangs."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"it did not come to this: {what}"
        time.sleep(0.05)
