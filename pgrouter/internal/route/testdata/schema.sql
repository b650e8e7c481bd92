-- What the statements of corpus.txt are about. Everything that looks like a read and is none is here.
CREATE TABLE t (id int PRIMARY KEY, name text, total numeric, created timestamptz DEFAULT now(), tags text[], doc jsonb, parent int);
INSERT INTO t SELECT i, 'n' || i, i * 1.5, now(), ARRAY['a', 'b'], '{"k": {"v": 1}}', i / 2 FROM generate_series(1, 20) i;
CREATE TABLE "Mixed Case" (id int, "Order" int, "select" int);
CREATE TABLE naïve (größe int);
CREATE SCHEMA app;
CREATE TABLE app.items (id int, t_id int, qty int, price numeric);
INSERT INTO app.items SELECT i, i % 20 + 1, i, i FROM generate_series(1, 50) i;
CREATE TABLE kw (nextval int, update int, delete int, random int, share int, "table" int, values int);
CREATE TABLE log (id int, day date) PARTITION BY RANGE (day);
CREATE TABLE log_old PARTITION OF log FOR VALUES FROM ('2000-01-01') TO ('2020-01-01');
CREATE TABLE half (id int) PARTITION BY LIST (id);
CREATE UNLOGGED TABLE half_quick PARTITION OF half FOR VALUES IN (1);
CREATE UNLOGGED TABLE quick (id int);
CREATE SEQUENCE tick;
CREATE MATERIALIZED VIEW mat AS SELECT id, name FROM t;

-- Functions of every volatility.
CREATE FUNCTION bump(a t) RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT nextval('tick') $$;
CREATE FUNCTION bump() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT nextval('tick') $$;
CREATE FUNCTION "Bump It"() RETURNS bigint LANGUAGE sql AS $$ SELECT nextval('tick') $$;
CREATE FUNCTION twice(i int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT 2 * i $$;
CREATE FUNCTION today_count() RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT count(*) FROM t $$;
CREATE FUNCTION rows_of(i int) RETURNS SETOF t LANGUAGE sql STABLE AS $$ SELECT * FROM t WHERE id < i $$;
CREATE FUNCTION liar() RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT nextval('tick') $$;
CREATE FUNCTION deep_liar() RETURNS bigint LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN liar(); END $$;
CREATE FUNCTION honest() RETURNS bigint LANGUAGE plpgsql STABLE AS $$ DECLARE n bigint; BEGIN SELECT count(*) INTO n FROM t; RETURN n; END $$;
CREATE FUNCTION defaulted(i bigint DEFAULT nextval('tick')) RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT i $$;
CREATE FUNCTION atomic() RETURNS bigint STABLE BEGIN ATOMIC SELECT nextval('tick'); END;
CREATE FUNCTION shadow(i int) RETURNS int LANGUAGE sql VOLATILE AS $$ SELECT i FROM nextval('tick') $$;
CREATE FUNCTION app.shadow(i text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT i $$;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE PROCEDURE work() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t(id) VALUES (9999) ON CONFLICT DO NOTHING; END $$;
CREATE FUNCTION step(a bigint, b int) RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT nextval('tick') $$;
CREATE AGGREGATE ticking(int) (SFUNC = step, STYPE = bigint, INITCOND = '0');
CREATE AGGREGATE plain_sum(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');

-- An operator, a domain, a cast and types that run something.
CREATE FUNCTION tick_op(a int, b int) RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT nextval('tick') $$;
CREATE OPERATOR <#!> (LEFTARG = int, RIGHTARG = int, FUNCTION = tick_op);
CREATE FUNCTION add3(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT a + b + 3 $$;
CREATE OPERATOR #+# (LEFTARG = int, RIGHTARG = int, FUNCTION = add3);
CREATE DOMAIN posint AS int CHECK (VALUE > 0 AND nextval('tick') > 0);
CREATE DOMAIN small AS int CHECK (VALUE < 1000);
CREATE DOMAIN nested AS posint;
CREATE TYPE pair AS (a posint, b int);
CREATE TYPE fine AS (a int, b int);
CREATE FUNCTION takes_posint(p posint) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT p::int $$;
CREATE TYPE token AS (n int);
CREATE FUNCTION to_token(i int) RETURNS token LANGUAGE sql VOLATILE AS $$ SELECT ROW(nextval('tick')::int)::token $$;
CREATE CAST (int AS token) WITH FUNCTION to_token(int);
CREATE TABLE with_domain (p posint, q int);

-- Views, one over the other.
CREATE VIEW v_plain AS SELECT id, name FROM t WHERE total > 1;
CREATE VIEW v_over AS SELECT * FROM v_plain JOIN app.items i USING (id);
CREATE VIEW v_tick AS SELECT nextval('tick') AS n;
CREATE VIEW v_deep AS SELECT n + 1 AS n FROM v_tick;
CREATE VIEW v_deeper AS SELECT (SELECT max(n) FROM v_deep) AS n FROM t;
CREATE VIEW v_quick AS SELECT * FROM quick;
CREATE VIEW v_operator AS SELECT 1 <#!> 2 AS n;
CREATE VIEW v_lock AS SELECT * FROM t FOR UPDATE;
CREATE VIEW v_catalog AS SELECT relname FROM pg_catalog.pg_class;
CREATE VIEW v_field AS SELECT a.bump FROM t a;

-- Row security that runs something, and one that does not.
CREATE TABLE guarded (id int);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON guarded FOR SELECT USING (nextval('tick') > 0);
CREATE TABLE watched (id int);
ALTER TABLE watched ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON watched FOR SELECT USING (id > 0);
