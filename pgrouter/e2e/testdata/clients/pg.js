// What node's pg does: unnamed and named prepared statements, pools, notifications.
const { Client, Pool } = require('pg');
const assert = require('assert');

async function main() {
  const c = new Client();
  await c.connect();
  console.log('read on', (await c.query('SELECT node()')).rows[0].node);
  for (let i = 1; i <= 50; i++) {
    const r = await c.query({ name: 'item', text: 'SELECT name FROM items WHERE id = $1', values: [i] });
    assert.equal(r.rows[0].name, 'item ' + i);
  }
  await c.query('DROP TABLE IF EXISTS e2e_node; CREATE TABLE e2e_node (id int, doc jsonb)');
  await c.query('BEGIN');
  await c.query('INSERT INTO e2e_node VALUES ($1, $2)', [1, { a: [1, 2] }]);
  console.log('wrote on', (await c.query('SELECT node()')).rows[0].node);
  assert.deepEqual((await c.query('SELECT doc FROM e2e_node')).rows[0].doc, { a: [1, 2] });
  await assert.rejects(c.query('SELECT 1/$1::int', [0]), { code: '22012' });
  await c.query('ROLLBACK');
  const heard = new Promise((resolve) => c.on('notification', (n) => resolve(n.payload)));
  await c.query('LISTEN e2e_node');
  await c.query("NOTIFY e2e_node, 'hello'");
  assert.equal(await heard, 'hello');
  await c.query('DROP TABLE e2e_node');
  await c.end();

  const pool = new Pool({ max: 5 });
  const all = await Promise.all(Array.from({ length: 100 }, (_, i) => pool.query('SELECT id FROM items WHERE id = $1', [i + 1])));
  all.forEach((r, i) => assert.equal(r.rows[0].id, i + 1));
  await pool.end();
  console.log('ok');
}
main().catch((e) => { console.error(e); process.exit(1); });
