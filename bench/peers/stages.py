"""Seconds by stage and the peak memory of a Python peer, as one JSON object."""

import json
import resource
import sys
import time


def peak_mb():
    """The largest resident size of this process so far, in MiB."""
    try:
        with open("/proc/self/status") as status:
            line = next(line for line in status if line.startswith("VmHWM"))
        return round(int(line.split()[1]) / 1024)
    except OSError:
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)


class Stages:
    """A stopwatch: each stage ends where it is said to be done."""

    def __init__(self):
        self.seconds = {}
        self.since = time.perf_counter()

    def done(self, stage):
        now = time.perf_counter()
        self.seconds[stage] = round(now - self.since, 3)
        self.since = now

    def report(self, **facts):
        print(json.dumps({**facts, "seconds": self.seconds, "peak_rss_mb": peak_mb()}))
