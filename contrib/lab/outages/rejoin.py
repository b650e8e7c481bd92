"""How long a small old primary that crashed under pgbench takes to come back, while pgbench goes on writing."""
import json
import os
import signal
import statistics
import sys
import time

from . import hosts, pgbench, places, recovery, ways

BAR = 5  # seconds
# What pgbench does meanwhile: as much as the machine can, or about fifty transactions a second.
LOADS = {"busy": pgbench.BUSY, "light": pgbench.RESTING}


def run(runs, as_json):
    results = []
    try:
        for way in ("script", "auto"):
            places.healthy()
            ways.ALL[way].enter()
            for writes in list(LOADS) * runs:
                results.append({"way": way, "writes": writes, **once(ways.ALL[way], LOADS[writes]), "load": round(os.getloadavg()[0], 2)})
                print(json.dumps(results[-1]), file=sys.stderr, flush=True)
    finally:
        ways.configure(scripts=True)
    print(json.dumps(results, indent=1) if as_json else table(results))
    return int(any(late(mine) for mine in kinds(results).values()))


def once(way, writes):
    target = places.healthy()[1]
    source = next(h for h in hosts.ADDRESS if h != target)
    hosts.sql(target, pgbench.TABLE)
    recovery.streams(source, target)
    before = pgbench.Run(seconds=8, script=pgbench.BUSY)
    time.sleep(4)
    hosts.kill([hosts.postmaster(target)], signal.SIGKILL)
    recovery.becomes(source)
    before.result()
    bench = pgbench.Run(seconds=12, script=writes)
    time.sleep(2)
    began, at = time.monotonic(), time.time()
    said = ways.answer(way.begin(target, source), recovery.AGAIN)
    took = time.monotonic() - began
    method = next(b["recovery"].get("method") for b in places.status()["backends"] if b.get("recovery") and b["addr"].startswith(target))
    r = bench.result()
    recovery.streams(target, source)
    # The server that sends WAL to it began when it asked for that. A script goes on for a while after that.
    since = f"SELECT extract(epoch FROM backend_start) FROM pg_stat_replication WHERE client_addr = '{hosts.ADDRESS[target]}' AND state = 'streaming'"
    return {"took": round(took, 2), "streamed": round(float(hosts.sql(source, since)) - at, 2), "method": method, "error": said, "transactions": r.transactions, "aborted": r.aborted}


def kinds(results):
    """The runs of each way and load."""
    out = {}
    for r in results:
        out.setdefault((r["way"], r["writes"]), []).append(r)
    return out


def late(results):
    return any(r["error"] for r in results) or statistics.median(r["took"] for r in results) > BAR


def table(results):
    out = ["| way | writes | method | runs | streams after (median, s) | answered after | min | max | bar | |", "|---|---|---|--:|--:|--:|--:|--:|--:|---|"]
    for (way, writes), mine in kinds(results).items():
        times, streamed = [r["took"] for r in mine], [r["streamed"] for r in mine]
        methods = ", ".join(sorted({str(r["method"]) for r in mine}))
        out.append(f"| {way} | {writes} | {methods} | {len(mine)} | {statistics.median(streamed):.2f} | {statistics.median(times):.2f} | {min(times)} | {max(times)} | {BAR} | {'**missed**' if late(mine) else 'kept'} |")
    return "\n".join(out + [f"- {r['way']}: {r['error']}" for r in results if r["error"]])
