"""What is measured."""
from idle import Idle
from queries import Queries
from stream import Stream

ONE = "SELECT 1;\n"
TLS = ["pgrouter", "pgbouncer", "pgbouncer-tx", "pgpool"]
SPREAD = ["pgrouter-2", "pgpool-2"]
# PgBouncer before 1.21 cannot carry prepared statements in transaction mode.
PREPARED = ["pgrouter", "pgbouncer", "pgpool", "direct", "pgrouter-unix", "pgbouncer-unix", "direct-unix"]

ALL = {}
for n in (1, 32):
    ALL[f"one-{n}"] = Queries(n, ONE)
    ALL[f"select-simple-{n}"] = Queries(n)
    ALL[f"select-extended-{n}"] = Queries(n, mode="extended")
    ALL[f"select-prepared-{n}"] = Queries(n, mode="prepared", among=PREPARED)
for n in (1, 32):
    ALL[f"tls-one-{n}"] = Queries(n, ONE, tls=True, among=TLS)
    ALL[f"tls-select-{n}"] = Queries(n, tls=True, among=TLS)
ALL["one-256"] = Queries(256, ONE, among=["pgrouter", "pgbouncer", "pgbouncer-tx"])
ALL["connect-scram-8"] = Queries(8, ONE, reconnect=True, among=["pgrouter", "pgbouncer", "pgbouncer-tx", "pgpool", "direct"])
for n, row in (("100B", 100), ("1kB", 1000), ("1MB", 1_000_000)):
    ALL[f"result-{n}"] = Stream(row)
for mode in ("simple", "extended", "prepared"):
    ALL[f"spread-{mode}-32"] = Queries(32, mode=mode, among=SPREAD)
ALL["idle-5000"] = Idle(5000, ["pgrouter", "pgbouncer", "pgbouncer-tx", "pgpool"])
ALL["idle-queried-5000"] = Idle(5000, ["pgbouncer-tx"], queried=True)

SHORT = ["one-1", "one-32", "select-simple-32", "select-prepared-32", "tls-one-32", "result-1kB", "spread-simple-32", "idle-5000"]

def add(contender):
    """Lets a contender take part wherever pgrouter does over TCP."""
    for w in ALL.values():
        if "pgrouter" in w.among and contender not in w.among:
            w.among = [*w.among, contender]


# What the crew has set itself: (workloads, peer or None for the figure itself, most that cost or its ratio may be).
BARS = [
    ("one-*", "PgBouncer session", 1.0), ("select-*", "PgBouncer session", 1.0),
    ("tls-*", "PgBouncer session", 0.9),
    ("one-*", "Pgpool-II", 1 / 3), ("select-*", "Pgpool-II", 1 / 3), ("spread-*", "Pgpool-II", 1 / 3),
    ("idle-5000", None, 1.5),
]
