"""What clients see: a new attempt each few milliseconds, each in its own thread and with a long time limit, so that one
that hangs keeps no other from succeeding."""
import collections
import itertools
import statistics
import threading
import time

import psycopg2

from . import hosts

PATIENCE = 30  # seconds that one attempt may take
Attempt = collections.namedtuple("Attempt", "began ended ok number timeline error")

# The timeline tells which primary it was.
WRITE = "INSERT INTO outage.written VALUES (%d, '%s') RETURNING substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8)"
QUERY = "SELECT 1"
TABLE = """CREATE SCHEMA IF NOT EXISTS outage; DROP TABLE IF EXISTS outage.written;
    CREATE TABLE outage.written (n bigint PRIMARY KEY, by text NOT NULL); GRANT ALL ON SCHEMA outage TO PUBLIC; GRANT ALL ON outage.written TO PUBLIC"""

numbers = itertools.count(1)


class Observer:
    """kind is "query" or "write"; where an address of a router; host, from which host it looks (None: this machine)."""

    def __init__(self, kind, where=hosts.VIP, host="client", every=0.02):
        self.kind, self.where, self.host, self.every = kind, where, host, every
        self.space = hosts.Network(host)
        self.attempts, self.over, self.thread = [], threading.Event(), threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        due = time.monotonic()
        while not self.over.wait(max(0, due - time.monotonic())):
            due = max(due + self.every, time.monotonic() - self.every)
            threading.Thread(target=self.attempt, args=(next(numbers),), daemon=True).start()

    def attempt(self, number):
        connection, timeline, error = None, None, None
        began = time.monotonic()
        try:
            self.space.enter()
            began = time.monotonic()
            connection = psycopg2.connect(host=self.where, port=9999, user="postgres", password="postgres", dbname="postgres", sslmode="disable",
                                          gssencmode="disable", connect_timeout=PATIENCE, keepalives_idle=PATIENCE, tcp_user_timeout=PATIENCE * 1000)
            connection.autocommit = True
            with connection.cursor() as c:
                c.execute(WRITE % (number, self.where) if self.kind == "write" else QUERY)
                timeline = c.fetchone()[0]
        except (psycopg2.Error, OSError) as err:
            error = f"{getattr(err, 'pgcode', None) or ''} {str(err).strip()}".strip()
        self.attempts.append(Attempt(began, time.monotonic(), error is None, number, timeline, error))
        if connection:
            connection.close()

    def stop(self):
        self.over.set()
        self.thread.join()

    def back(self, since):
        """Seconds from then to the first success of an attempt that began later, or None."""
        ends = [a.ended for a in self.attempts if a.ok and a.began >= since]
        return min(ends) - since if ends else None

    def usual(self, before):
        """The median time that an attempt takes when all is well: what the machine's load adds to each figure."""
        return statistics.median([a.ended - a.began for a in self.attempts if a.ok and a.ended < before] or [0])

    def wait(self, since, limit):
        while self.back(since) is None and time.monotonic() < since + limit:
            time.sleep(0.02)
        return self.back(since)


def two_primaries(observers):
    """Writes that one primary acknowledged after a later one had acknowledged its first."""
    written = sorted((a.ended, a.timeline) for o in observers if o.kind == "write" for a in o.attempts if a.ok)
    newest, late = "", 0
    for _, timeline in written:
        late += timeline < newest
        newest = max(newest, timeline)
    return late


def acknowledged(observers):
    return {a.number for o in observers if o.kind == "write" for a in o.attempts if a.ok}


def arrived(host):
    """The writes that the server of that host has."""
    return {int(n) for n in hosts.sql(host, "SELECT n FROM outage.written").split()}


class Addresses(threading.Thread):
    """Who has the virtual address, asked of both kernels each 20 ms."""

    def __init__(self):
        super().__init__(daemon=True)
        self.inits = {h: hosts.init(h) for h in hosts.ADDRESS}
        self.both, self.moves, self.over = 0.0, [], threading.Event()
        self.start()

    def run(self):
        before, at = None, time.monotonic()
        while not self.over.wait(0.02):
            now = time.monotonic()
            holders = [h for h, pid in self.inits.items() if hosts.has_address(pid)]
            if len(holders) > 1:
                self.both += now - at
            if holders != before:
                self.moves.append((now, holders))
            before, at = holders, now

    def stop(self):
        self.over.set()
        self.join()
