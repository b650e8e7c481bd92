"""Who is compared with whom."""
import functools
from typing import Callable, NamedTuple, Optional

from servers import DATABASE
from systems import Pgbouncer, Pgpool, Pgrouter

CLIENTS = 300  # places for clients in the proxies that stay up; Pgpool-II has a process for each
POOL_CLIENTS = 48


class Contender(NamedTuple):
    """One way to the servers. Contenders of the same route are like for like."""

    label: str  # the family, as tables call it
    route: str  # how the proxy reaches the server: tcp, unix, or spread over two servers
    database: str  # the name that clients ask for
    system: Optional[Callable]  # makes the proxy from a world; None for a direct connection


def bouncer(world):
    return Pgbouncer(world, CLIENTS)


def pool(balance, world):
    return Pgpool(world, POOL_CLIENTS, balance=balance)


def router(balance, unix, world):
    return Pgrouter(world, CLIENTS, balance=balance, unix=unix)


def router_of(program, world):
    return Pgrouter(world, CLIENTS, program=program)


ROUTER, BEFORE, SESSION, TRANSACTION, POOL, DIRECT = "pgrouter", "pgrouter before", "PgBouncer session", "PgBouncer transaction", "Pgpool-II", "direct"
TCP, UNIX, SPREAD = "tcp", "unix", "2 servers"

ALL = {
    "pgrouter": Contender(ROUTER, TCP, DATABASE, functools.partial(router, False, False)),
    "pgbouncer": Contender(SESSION, TCP, DATABASE, bouncer),
    "pgbouncer-tx": Contender(TRANSACTION, TCP, DATABASE + "_tx", bouncer),
    "pgpool": Contender(POOL, TCP, DATABASE, functools.partial(pool, False)),
    "direct": Contender(DIRECT, TCP, DATABASE, None),
    "pgrouter-unix": Contender(ROUTER, UNIX, DATABASE, functools.partial(router, False, True)),
    "pgbouncer-unix": Contender(SESSION, UNIX, DATABASE + "_unix", bouncer),
    "pgbouncer-tx-unix": Contender(TRANSACTION, UNIX, DATABASE + "_tx_unix", bouncer),
    "direct-unix": Contender(DIRECT, UNIX, DATABASE, None),
    "pgrouter-2": Contender(ROUTER, SPREAD, DATABASE, functools.partial(router, True, False)),
    "pgpool-2": Contender(POOL, SPREAD, DATABASE, functools.partial(pool, True)),
}

PLAIN = ["pgrouter", "pgbouncer", "pgbouncer-tx", "pgpool", "direct", "pgrouter-unix", "pgbouncer-unix", "pgbouncer-tx-unix", "direct-unix"]
PEERS = [BEFORE, SESSION, TRANSACTION, POOL, DIRECT]


def add_before(program):
    """Makes another build of pgrouter a contender and returns its name."""
    ALL["before"] = Contender(BEFORE, TCP, DATABASE, functools.partial(router_of, program))
    return "before"


def peers(name, among):
    """The contenders among those named that pgrouter's contender of this name is compared with."""
    c = ALL[name]
    return [n for n in among if n != name and ALL[n].route == c.route] if c.label == ROUTER else []
