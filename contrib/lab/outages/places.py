"""Brings the lab to the state in which a scenario begins."""
import contextlib
import json
import os
import signal
import subprocess
import sys
import time

from . import hosts
from .observer import TABLE, arrived

LIMIT = 180


def status():
    """What pgwatch says, asked of the first host that answers."""
    for h in hosts.ADDRESS:
        with contextlib.suppress(RuntimeError, ValueError):
            return json.loads(hosts.lab("exec", f"postgres@{h}", "pgwatch", "status", "-j", "--config", "/etc/pgpool2/pgpool.conf"))
    return {}


def leader(s):
    return next((m["name"].split(".")[0] for m in s.get("members", ()) if m.get("leader")), None)


def primary(s):
    return next((b["addr"].split(".")[0] for b in s.get("backends", ()) if b.get("role") == "primary" and b.get("status") == "attached" and b.get("state") == "up"), None)


def well(s):
    members, backends = s.get("members", ()), s.get("backends", ())
    return (leader(s) in hosts.ADDRESS and primary(s) and all(m.get("state") == "alive" and m.get("voter") for m in members) and not s.get("failover")
            and all(b.get("state") == "up" and b.get("status") == "attached" for b in backends) and sum(b.get("role") == "standby" for b in backends) == 1)


def repair():
    """Takes back what scenarios do besides killing."""
    for h in hosts.names():
        hosts.kill(hosts.processes(h, "postgres", *hosts.CREW), signal.SIGCONT)
        if hosts.init(h):
            hosts.lose_nothing(h)
        hosts.on_switch("ip", "link", "set", h, "master", "bridge0", check=False)
    hosts.on_switch("ip", "link", "del", "island", check=False)
    if not hosts.gone(40):
        print("outage: a program did not end within 40 s", file=sys.stderr)
    hosts.lab("up")


def rejoin():
    """Ends a cut, and waits until nothing is under way."""
    for h in hosts.names():
        hosts.on_switch("ip", "link", "set", h, "master", "bridge0")
    hosts.on_switch("ip", "link", "del", "island")
    end = time.monotonic() + 60
    while time.monotonic() < end:
        s = status()
        if leader(s) in hosts.ADDRESS and not s.get("failover") and all(m.get("state") == "alive" for m in s["members"]) and len(histories(s)) == 1:
            return
        time.sleep(0.5)


def histories(s):
    """Primaries that take part. One with another history is quarantined, or stopped, or follows."""
    return [b for b in s["backends"] if b.get("role") == "primary" and b.get("status") == "attached"]


def one_history(*sides):
    """1 when one server takes part as a primary, and has all that was acknowledged on the side that went on."""
    s = status()
    there = arrived(primary(s))
    return int(len(histories(s)) == 1 and {a.number for a in sides[-1] if a.ok} <= there)


def healthy(apart=False, synchronous=False):
    """All is well, and the leader is on the primary's host, or apart from it. Returns (leader, primary)."""
    end = time.monotonic() + LIMIT
    repair()
    s = {}
    while time.monotonic() < end:
        s = status()
        if not well(s):
            time.sleep(0.5)
        elif (leader(s) == primary(s)) == apart:
            move_leader(leader(s))
        else:
            prepare(primary(s), synchronous)
            return leader(s), primary(s)
    raise RuntimeError(f"the lab does not get well: {json.dumps(s)}")


def move_leader(host):
    """Its pgwatch stops and starts again; another one leads then, which may be the witness for a while."""
    hosts.end(hosts.processes(host, "pgwatch"))
    repair()
    time.sleep(2)


def prepare(host, synchronous):
    names = "*" if synchronous else ""
    hosts.sql(host, f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
    hosts.sql(host, "SELECT pg_reload_conf()")
    hosts.sql(host, TABLE)
    for router in hosts.ADDRESS.values():
        wait_write(router)


def wait_write(router):
    """Until that router takes writes: it has heard who is the primary, and has opened a session."""
    end = time.monotonic() + 30
    command = ["psql", "-XqAt", "-h", router, "-p", "9999", "-U", "postgres", "postgres", "-c", "DELETE FROM outage.written"]
    while subprocess.run(command, env={**os.environ, "PGPASSWORD": "postgres", "PGCONNECT_TIMEOUT": "5"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
        if time.monotonic() > end:
            raise RuntimeError(f"{router} takes no writes")
        time.sleep(0.2)
