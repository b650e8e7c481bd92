"""Trouble that must not be mistaken for a failure: busy processors, processes that pause, packets that get lost."""
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time

from . import hosts, places

PAUSE, LOSS = 2.0, 0.8  # seconds that a process stands still, that packets get lost


def run(minutes, as_json):
    places.healthy()
    before = places.status()
    counted = {"minutes": minutes, "pauses": 0, "bursts": 0, "leader_changes": 0, "failovers": 0, "load": []}
    hogs = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(2 * os.cpu_count())]
    try:
        worry(time.monotonic() + 60 * minutes, counted)
    finally:
        for h in hogs:
            h.kill()
            h.wait()
        places.repair()
    after = settled()
    counted["failovers"] = after["epoch"] - before["epoch"]
    counted["terms"] = after["term"] - before["term"]
    counted["load"] = max(counted["load"])
    print(json.dumps(counted, indent=1) if as_json else "\n".join(f"{k}: {v}" for k, v in counted.items()))
    return 1 if counted["failovers"] else 0


def settled():
    for _ in range(120):
        s = places.status()
        if places.well(s):
            return s
        time.sleep(0.5)
    raise RuntimeError(f"the lab is not well after the soak: {json.dumps(s)}")


def worry(end, counted):
    """One process after another is stopped for a while, and between that one host after another loses packets."""
    order, led = random.Random(1), places.leader(places.status())
    while time.monotonic() < end:
        host = order.choice(hosts.names()[:-1])
        victims = [hosts.processes(host, tool) for tool in (*hosts.CREW, "postgres")]
        victim = order.choice([order.choice(v) for v in victims if v])
        with open(f"/proc/{victim}/comm") as f:
            name = f.read().strip()
        freeze(victim)
        counted["pauses"] += 1
        lose(order.choice(hosts.names()[:-1]))
        counted["bursts"] += 1
        time.sleep(order.uniform(0, 2))
        counted["load"].append(os.getloadavg()[0])
        now = places.leader(places.status())
        if now and now != led:
            counted["leader_changes"] += 1
            print(f"soak: after a pause of {name} on {host} {now} leads instead of {led}", file=sys.stderr, flush=True)
            led = now


def freeze(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
        time.sleep(PAUSE)
        os.kill(pid, signal.SIGCONT)


def lose(host):
    hosts.lose(host, 30)
    time.sleep(LOSS)
    hosts.lose_nothing(host)
