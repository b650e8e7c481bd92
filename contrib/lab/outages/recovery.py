"""Faults during a recovery of the old primary, under writes. The same command is given again afterwards: it must succeed, no
acknowledged write may be missing, and the healthy server must not have been restarted."""
import json
import os
import signal
import sys
import time

from . import hosts, moments, pgbench, places, strikes, ways
from .observer import Observer, acknowledged, arrived

SCALE = 8       # of pgbench: a copy that lasts
WRITES = 0.2    # seconds between two
GIVE_UP = 20    # seconds after a fault, when whoever gave the first command interrupts it
AGAIN = 120     # seconds until it must have succeeded, given again
SETTLE = 60     # seconds until the server streams and takes part
DATABASE = "outage_bulk"


def names():
    return [*ways.ALL, *strikes.ALL, *moments.ALL]


def run(chosen, as_json):
    """chosen are names of ways, faults and moments; of a kind of which none is named, all are made."""
    def pick(known):
        return [name for name in known if name in chosen] or list(known)
    results = []
    try:
        for way in pick(ways.ALL):
            ready()
            ways.ALL[way].enter()
            for fault in pick(strikes.ALL):
                for moment in pick(moments.ALL):
                    results.append(attempt(way, fault, moment))
                    print(json.dumps(results[-1]), file=sys.stderr, flush=True)
    finally:
        ways.configure(scripts=True)
        hosts.sql(places.primary(places.status()), f"DROP DATABASE IF EXISTS {DATABASE}")
    print(json.dumps(results, indent=1) if as_json else table(results))
    return int(any(wrong(r) for r in results))


def attempt(way, fault, moment):
    r = {"way": way, "fault": fault, "moment": moment, "began": time.time()}
    try:
        r |= strike(ways.ALL[way], strikes.ALL[fault], moments.ALL[moment])
    except (RuntimeError, OSError) as err:
        r["error"] = str(err)
    return {k: round(v, 2) if isinstance(v, float) else v for k, v in {**r, "load": os.getloadavg()[0]}.items()}


def strike(way, fault, moment):
    target, source, writes = crash()
    try:
        healthy = identity(source)
        first = way.begin(target, source)
        came = moments.wait(moment, target, first)
        if came:
            fault(target, source)
        r = {"came": came, "first": ways.answer(first, GIVE_UP)}
        hosts.boot(target)
        r |= again(way, target, source) if r["first"] else {}
        streams(target, source)
    finally:
        writes.stop()
    written = acknowledged([writes])
    streams(target, source)
    missing = {h: len(lost) for h in hosts.ADDRESS if (lost := written - arrived(h))}
    return {**r, "acknowledged": len(written), "missing": missing, "restarted": identity(source) != healthy}


def ready():
    """All is well, and the database has its size. Returns the primary."""
    primary = places.primary(s) if places.well(s := places.status()) else places.healthy()[1]
    places.prepare(primary, synchronous=False)
    if not hosts.sql(primary, f"SELECT oid FROM pg_database WHERE datname = '{DATABASE}'"):
        hosts.sql(primary, f"CREATE DATABASE {DATABASE}")
        hosts.lab("exec", f"postgres@{primary}", pgbench.program(), "-i", "-q", "-s", str(SCALE), DATABASE)
    for host in hosts.ADDRESS:
        if host != primary:
            streams(host, primary)
    return primary


def crash():
    """The primary's postmaster is killed. Returns its host, that of the new primary, and writes to the latter, which go on."""
    old = ready()
    new = next(h for h in hosts.ADDRESS if h != old)
    hosts.kill([hosts.postmaster(old)], signal.SIGKILL)
    becomes(new)
    writes = Observer("write", every=WRITES)
    if writes.wait(time.monotonic(), SETTLE) is None:
        writes.stop()
        raise RuntimeError(f"{new} takes no writes")
    return old, new, writes


def becomes(new):
    until(lambda: (s := places.status()) and not s.get("failover") and places.primary(s) == new, f"{new} does not become the primary")


def again(way, target, source):
    """Gives the command until it succeeds. What was under way already may have succeeded before."""
    refused, began = [], time.monotonic()
    while time.monotonic() < began + AGAIN:
        asked = time.monotonic()
        said = ways.answer(way.begin(target, source), AGAIN)
        if not said or said.endswith("is alive"):
            return {"again": time.monotonic() - began, "took": time.monotonic() - asked, "refused": refused}
        refused.append(said)
        time.sleep(1)
    raise RuntimeError(f"{target} could not be recovered again: {refused}")


def streams(target, source):
    """Waits until the standby has replayed what is written now, and all is well."""
    lsn = hosts.sql(source, "SELECT pg_current_wal_lsn()")
    address = hosts.ADDRESS[target]
    question = f"SELECT count(*) FROM pg_stat_replication WHERE client_addr = '{address}' AND state = 'streaming' AND replay_lsn >= '{lsn}'"
    until(lambda: places.well(places.status()) and hosts.sql(source, question) == "1", f"{target} does not stream from {source}")


def until(condition, otherwise):
    end = time.monotonic() + SETTLE
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"{otherwise}: {json.dumps(places.status())}")
        time.sleep(0.1)


def identity(host):
    """Its postmaster, by number and time of its start."""
    pid = hosts.postmaster(host)
    with open(f"/proc/{pid}/stat") as f:
        return pid, f.read().rsplit(")", 1)[1].split()[19]


def wrong(r):
    return "error" in r or not r["came"] or bool(r["missing"]) or r["restarted"]


def table(results):
    out = ["| way | fault | when | first command | again (s) | refused | writes missing | healthy server restarted |", "|---|---|---|---|--:|--:|--:|---|"]
    for r in results:
        if "error" in r:
            out.append(f"| {r['way']} | {r['fault']} | {r['moment']} | **{r['error'][:200]}** | | | | |")
            continue
        first = "succeeded" if not r["first"] else r["first"][-120:]
        out.append(f"| {r['way']} | {r['fault']} | {r['moment'] if r['came'] else '**missed**'} | {first} | {r.get('again', '')} | {len(r.get('refused', []))} "
                   f"| {r['missing'] or 0} of {r['acknowledged']} | {'**yes**' if r['restarted'] else 'no'} |")
    return "\n".join(out)
