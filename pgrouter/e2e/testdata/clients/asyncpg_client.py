"""What asyncpg does: binary extended protocol, prepared statements it keeps, cursors, COPY, types it looks up."""
import asyncio
import datetime
import decimal

import asyncpg


async def main():
    c = await asyncpg.connect()
    print("read on", await c.fetchval("SELECT node()"))
    for i in range(200):
        assert await c.fetchval("SELECT $1::int + 1", i) == i + 1
    await c.execute("DROP TABLE IF EXISTS e2e_asyncpg; DROP TYPE IF EXISTS e2e_mood; "
                    "CREATE TYPE e2e_mood AS ENUM ('sad', 'happy'); "
                    "CREATE TABLE e2e_asyncpg (id int, n numeric, at timestamptz, tags text[], mood e2e_mood)")
    now = datetime.datetime(2024, 2, 29, 12, 0, tzinfo=datetime.timezone.utc)
    row = (1, decimal.Decimal("1.50"), now, ["a", "b"], "happy")
    await c.executemany("INSERT INTO e2e_asyncpg VALUES ($1, $2, $3, $4, $5)", [row] * 50)
    await c.copy_records_to_table("e2e_asyncpg", records=[row] * 1000)
    async with c.transaction():
        await c.execute("UPDATE e2e_asyncpg SET id = 2")
        print("wrote on", await c.fetchval("SELECT node()"))
        assert tuple(await c.fetchrow("SELECT * FROM e2e_asyncpg LIMIT 1"))[1:] == row[1:]
        seen = 0
        async for _ in c.cursor("SELECT * FROM e2e_asyncpg WHERE id = $1", 2, prefetch=100):
            seen += 1
        assert seen == 1050, seen
        try:
            async with c.transaction():
                await c.fetchval("SELECT 1 / $1::int", 0)
        except asyncpg.DivisionByZeroError:
            pass
        assert await c.fetchval("SELECT count(*) FROM e2e_asyncpg") == 1050
    p = await c.prepare("SELECT name FROM items WHERE id = $1")
    assert await p.fetchval(7) == "item 7"
    try:
        await c.fetchval("SELECT pg_sleep(47)", timeout=0.3)
        raise SystemExit("not cancelled")
    except asyncio.TimeoutError:
        pass
    assert await p.fetchval(8) == "item 8"
    await c.execute("DROP TABLE e2e_asyncpg; DROP TYPE e2e_mood")
    await c.close()

    pool = await asyncpg.create_pool(min_size=5, max_size=5)
    async def one(i):
        async with pool.acquire() as d:
            return await d.fetchval("SELECT id FROM items WHERE id = $1", i)
    got = await asyncio.gather(*(one(i) for i in range(1, 101)))
    assert got == list(range(1, 101)), got
    await pool.close()
    print("ok")


asyncio.run(main())
