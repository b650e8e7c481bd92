"""Clients that have logged in and do nothing."""
import time

import contenders
from client import close_all, connect_many
from servers import MAX_CONNECTIONS, TRUSTED


class Idle:
    """n idle clients, each after one query if asked.

    cost: growth of the proxy's PSS for each client in KiB, rss: of its RSS; kernel memory of sockets is not in it.
    speed: logins a second of one slow client program, 64 at a time; no measure of the proxy's limit.
    """

    cost_unit, speed_unit = "KiB", "logins/s"

    def __init__(self, n, among, queried=False):
        self.n, self.among, self.queried = n, among, queried

    def run(self, world, name, options):
        c = contenders.ALL[name]
        kind = type(world.system(name))
        n = self.n
        if c.label == contenders.POOL:  # it opens a server connection for each client
            n = min(n, MAX_CONNECTIONS // 4)
        system = kind(world, n + 20)
        try:
            system.start()
            pss0, rss0 = self.settled(system)
            started = time.monotonic()
            clients = connect_many(n, system.port, c.database, TRUSTED)
            seconds = time.monotonic() - started
            try:
                if self.queried:
                    for client in clients:
                        client.query("SELECT 1")
                pss, rss = self.settled(system)
            finally:
                close_all(clients)
            return {"cost": (pss - pss0) / n, "rss": (rss - rss0) / n, "pss_mib": pss / 1024, "clients": n, "speed": n / seconds}
        finally:
            system.stop()

    @staticmethod
    def settled(system):
        """Memory when it has been the same, within one in a hundred, for a second; after half a minute as it is."""
        last, since, end = system.process.memory(), time.monotonic(), time.monotonic() + 30
        while time.monotonic() - since < 1 and time.monotonic() < end:
            time.sleep(0.25)
            now = system.process.memory()
            if abs(now[0] - last[0]) > last[0] / 100:
                last, since = now, time.monotonic()
        return system.process.memory()
