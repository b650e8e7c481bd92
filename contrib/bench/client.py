"""Just enough of the frontend/backend protocol for what pgbench cannot do."""
import contextlib
import socket
import struct

DONE = b"Z\0\0\0\x05I"  # ReadyForQuery outside a transaction
BUFFER = memoryview(bytearray(1 << 18))


class Client:
    """A connection over TCP of a user who needs no password, without TLS."""

    def __init__(self, port, database, user, wait=True):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        body = struct.pack(">I", 196608) + f"user\0{user}\0database\0{database}\0\0".encode()
        self.socket.sendall(struct.pack(">I", len(body) + 4) + body)
        if wait:
            self.until_done()

    def until_done(self):
        """Reads until the server is ready for a query; returns how many bytes came."""
        total, tail = 0, b""
        while not tail.endswith(DONE):
            n = self.socket.recv_into(BUFFER)
            if n == 0:
                raise RuntimeError(f"the connection was closed after {total} bytes: {tail[-200:]!r}")
            total += n
            tail = (tail + bytes(BUFFER[max(0, n - 256):n]))[-256:]
            if total < 1000 and b"SFATAL\0" in tail:
                raise RuntimeError(tail.decode("latin1").replace("\0", " "))
        return total

    def query(self, sql):
        """One statement of the simple protocol; returns the size of its answer."""
        body = sql.encode() + b"\0"
        self.socket.sendall(b"Q" + struct.pack(">I", len(body) + 4) + body)
        return self.until_done()

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.sendall(b"X\0\0\0\4")
        self.socket.close()


def connect_many(n, port, database, user):
    """n connections that have logged in and run nothing, 64 logins at a time."""
    clients = []
    try:
        while len(clients) < n:
            batch = [Client(port, database, user, wait=False) for _ in range(min(64, n - len(clients)))]
            clients += batch
            for c in batch:
                c.until_done()
    except BaseException:
        close_all(clients)
        raise
    return clients


def close_all(clients):
    for c in clients:
        c.close()
