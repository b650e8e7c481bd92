"""What libpq and psycopg2 do: simple protocol, server-side cursors, COPY, notifications, large objects, cancel."""
import io
import select
import threading
import time

import psycopg2
import psycopg2.extensions

c = psycopg2.connect("")
c.autocommit = True
k = c.cursor()
k.execute("SELECT node()")
print("read on", k.fetchone()[0])
k.execute("SELECT %s::int + 1, %s::text, %s::numeric, %s::timestamptz IS NULL", (41, "it's", "1.5", None))
row = k.fetchone()
assert row[0] == 42 and row[1] == "it's" and str(row[2]) == "1.5" and row[3] is True, row

k.execute("CREATE TEMP TABLE e2e_psycopg (id int, name text)")
k.copy_from(io.StringIO("".join(f"{i}\tname {i}\n" for i in range(5000))), "e2e_psycopg")
out = io.StringIO()
k.copy_to(out, "e2e_psycopg")
assert out.getvalue().count("\n") == 5000

c.autocommit = False
k.execute("INSERT INTO e2e_psycopg VALUES (-1, 'mine')")
k.execute("SELECT node(), count(*) FROM e2e_psycopg WHERE id = -1")
node, count = k.fetchone()
assert count == 1, count
print("wrote on", node)
named = c.cursor("named")
named.itersize = 100
named.execute("SELECT id FROM e2e_psycopg ORDER BY id")
assert sum(1 for _ in named) == 5001
named.close()
try:
    k.execute("SELECT 1/0")
    raise SystemExit("no error")
except psycopg2.Error as e:
    assert e.pgcode == "22012", e.pgcode
try:
    k.execute("SELECT 1")
    raise SystemExit("no error in an aborted transaction")
except psycopg2.Error as e:
    assert e.pgcode == "25P02", e.pgcode
c.rollback()

o = c.lobject(0, "w")
o.write(b"x" * 100000)
oid = o.oid
o.close()
o = c.lobject(oid, "rb")
assert len(o.read()) == 100000
o.unlink()
c.commit()

c.autocommit = True
k.execute("LISTEN e2e_psycopg")
with psycopg2.connect("") as other:
    with other.cursor() as ok:
        ok.execute("NOTIFY e2e_psycopg, 'hello'")
end = time.time() + 30
while not c.notifies and time.time() < end:
    select.select([c], [], [], 1)
    c.poll()
assert [n.payload for n in c.notifies] == ["hello"], c.notifies


def cancel():
    # Not by "with", which would begin a transaction; within one pg_stat_activity stays as it was first seen.
    watcher = psycopg2.connect("")
    watcher.autocommit = True
    wk = watcher.cursor()
    while True:
        wk.execute("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(47), forced()%%' AND state = 'active'")
        if wk.fetchone()[0]:
            break
        time.sleep(0.01)
    watcher.close()
    c.cancel()


t = threading.Thread(target=cancel)
t.start()
try:
    k.execute("SELECT pg_sleep(47), forced()")
    raise SystemExit("not cancelled")
except psycopg2.extensions.QueryCanceledError as e:
    assert e.pgcode == "57014"
t.join()
k.execute("DROP TABLE e2e_psycopg")
print("ok")
