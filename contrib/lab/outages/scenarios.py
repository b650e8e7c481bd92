"""What is done to the lab, and what may come of it."""
import os
import signal
import time

from . import hosts, pgbench, places
from .observer import Addresses, Observer, acknowledged, arrived, two_primaries

EVERY, SELDOM = 0.02, 0.1  # seconds between two attempts, of the kind that is measured and of others: a login costs milliseconds of all that there is
LIMIT = 60   # seconds until a scenario is over, whatever comes
AFTER = 2.5  # seconds that observers go on: as long as an old lease could live


class Scenario:
    """bars: {figure: most}, in seconds for query and write. votes: for which labs (2, 3). apart: the leader is not on the primary's host."""

    def __init__(self, name, what, fault, bars, votes=(3,), apart=False, measure=None):
        self.name, self.what, self.fault, self.bars, self.votes, self.apart = name, what, fault, bars, votes, apart
        self.measure = measure or outage

    def run(self, synchronous=False):
        leader, primary = places.healthy(self.apart, synchronous)
        wall = time.time()
        figures = self.measure(self, leader, primary)
        return {"scenario": self.name, "load": os.getloadavg()[0], "leader": leader, "primary": primary, "began": wall, **figures}


def wall_of(at):
    return time.time() - (time.monotonic() - at)


def outage(s, leader, primary):
    """Clients at the virtual address, and writers at each router, so that no second primary stays unseen."""
    observers = [Observer(kind, every=EVERY if kind in s.bars else SELDOM) for kind in ("query", "write")]
    observers += [Observer("write", a, every=2 * SELDOM) for a in hosts.ADDRESS.values()]
    addresses = Addresses()
    time.sleep(1.5)
    at = s.fault(leader, primary)
    wall = wall_of(at)
    figures = {o.kind: o.wait(at, LIMIT) for o in observers[:2]}
    time.sleep(max(0, at + 4 - time.monotonic(), AFTER))
    return {"fault_at": wall, **figures, "usual": observers[0].usual(at), **ended(observers, addresses)}


def ended(observers, addresses):
    """Figures of all scenarios: what must not be."""
    for o in observers:
        o.stop()
    addresses.stop()
    written = acknowledged(observers)
    there = arrived(places.primary(places.status()))
    return {"two_addresses": addresses.both, "two_primaries": two_primaries(observers), "acknowledged": len(written), "missing": len(written - there),
            "moves": [(t, h) for t, h in addresses.moves]}


def switchover(s, leader, primary):
    """pgbench with 16 clients; the pause is the longest time in which none of them finished anything."""
    hosts.sql(primary, pgbench.TABLE)
    bench = pgbench.Run(seconds=25, script=pgbench.BUSY)
    time.sleep(8)
    at, wall = time.monotonic(), time.time()
    hosts.lab("exec", f"postgres@{leader}", "pgwatch", "switchover", "--config", "/etc/pgpool2/pgpool.conf")
    took = time.monotonic() - at
    r = bench.result()
    return {"fault_at": wall, "pause": r.pause(), "failed": r.aborted + r.failed, "took": took, "transactions": r.transactions, "errors": r.errors}


def sessions(s, leader, primary):
    """pgbench with 16 clients that mostly rest. A client that was resting when the primary died must go on; sessions of a
    killed postmaster take statements until they notice, so the death is that of the last of its processes."""
    hosts.sql(primary, pgbench.TABLE)
    bench = pgbench.Run(seconds=25, script=pgbench.RESTING)
    time.sleep(8)
    family = hosts.processes(primary, "postgres")
    wall = wall_of(s.fault(leader, primary))
    hosts.wait_gone(family, LIMIT)
    dead = time.time()
    r = bench.result()
    return {"fault_at": wall, "pause": r.pause(), "lost_in_flight": len(r.lost(dead, True)), "lost_resting": len(r.lost(dead, False)),
            "transactions": r.transactions, "errors": r.errors}


def cut_link(s, leader, primary):
    """The host of leader and primary alone with the client; everybody else, this machine too, on the other side."""
    inside, outside = Observer("write", hosts.ADDRESS[primary]), Observer("write", hosts.VIP, None)
    query = Observer("query", hosts.VIP, None, every=SELDOM)
    addresses = Addresses()
    time.sleep(1.5)
    wall, before = time.time(), time.monotonic()
    hosts.on_switch("sh", "-c", f"ip link add island type bridge && ip link set island up && ip link set client master island && ip link set {primary} master island")
    at = time.monotonic()  # the cable is cut now, and was not before
    figures = {"write": outside.wait(at, LIMIT), "query": query.wait(at, LIMIT)}
    time.sleep(max(0, at + 6 - time.monotonic()))
    figures["refused"] = max((a.ended - before for a in inside.attempts if a.ok and a.ended > before), default=0.0)
    for o in (inside, outside, query):
        o.stop()
    places.rejoin()
    figures["one_history"] = places.one_history(inside.attempts, outside.attempts)
    return {"fault_at": wall, **figures, **ended([inside, outside], addresses)}


def stop_crew(leader, primary):
    return hosts.end(hosts.processes(leader, *hosts.CREW))


def kill_crew(leader, primary):
    return hosts.kill(hosts.processes(leader, *hosts.CREW), signal.SIGKILL)


def power(leader, primary):
    return hosts.power_off(leader)


def immediate(leader, primary):
    """What pg_ctl -m immediate stop sends."""
    return hosts.kill([hosts.postmaster(primary)], signal.SIGQUIT)


def kill_postmaster(leader, primary):
    return hosts.kill([hosts.postmaster(primary)], signal.SIGKILL)


def freeze(leader, primary):
    return hosts.kill(hosts.processes(primary, "postgres"), signal.SIGSTOP)


ALL = {s.name: s for s in (
    Scenario("stop-crew", "clean stop of the leader's crew", stop_crew, {"query": 0.3}, (2, 3)),
    Scenario("kill-crew", "SIGKILL of the leader's crew", kill_crew, {"query": 1}, (2, 3)),
    Scenario("power-leader", "power-off of the leader's host", power, {"query": 8, "write": 8}, (2,), apart=True),
    Scenario("power-both", "power-off of leader and primary", power, {"write": 3}),
    Scenario("power-both-2", "power-off of leader and primary", power, {"write": 10}, (2,)),
    Scenario("immediate", "pg_ctl -m immediate stop of the primary", immediate, {"write": 1}, (2, 3)),
    Scenario("kill-postmaster", "kill -9 of the primary's postmaster", kill_postmaster, {"write": 1}, (2, 3)),
    Scenario("freeze", "SIGSTOP of the primary's processes", freeze, {"write": 5}, (2, 3)),
    Scenario("switchover", "pgwatch switchover under pgbench -c 16", None, {"pause": 2, "failed": 0}, measure=switchover),
    Scenario("sessions", "crash of the primary under pgbench -c 16", kill_postmaster, {"lost_resting": 0}, measure=sessions),
    Scenario("cut-link", "leader and primary cut off with a client", None, {"refused": 2.2, "two_primaries": 0, "one_history": 1}, measure=cut_link),
)}
