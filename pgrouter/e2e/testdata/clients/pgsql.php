<?php
// What PHP does: the pgsql extension's parameters, prepared statements and COPY, and PDO with and without emulation.
function check($ok, $what) { if (!$ok) { fwrite(STDERR, "wrong: $what\n"); exit(1); } }

$c = pg_connect("");
echo "read on ", pg_fetch_result(pg_query($c, "SELECT node()"), 0, 0), "\n";
check(pg_prepare($c, "item", 'SELECT name FROM items WHERE id = $1'), "prepare");
for ($i = 1; $i <= 50; $i++) {
	check(pg_fetch_result(pg_execute($c, "item", [$i]), 0, 0) === "item $i", "read $i");
}
pg_query($c, "SET client_min_messages = warning; DROP TABLE IF EXISTS e2e_php; CREATE TABLE e2e_php (id int, name text)");
pg_query($c, "BEGIN");
for ($i = 0; $i < 100; $i++) pg_query_params($c, 'INSERT INTO e2e_php VALUES ($1, $2)', [$i, "it's $i"]);
echo "wrote on ", pg_fetch_result(pg_query($c, "SELECT node()"), 0, 0), "\n";
check(pg_fetch_result(pg_query_params($c, 'SELECT count(*) FROM e2e_php WHERE name LIKE $1', ["it's%"]), 0, 0) === "100", "own writes");
check(pg_copy_from($c, "e2e_php", array_fill(0, 1000, "7\tseven\n")), "copy in");
check(count(pg_copy_to($c, "e2e_php")) === 1100, "copy out");
pg_query($c, "COMMIT");
pg_send_query($c, "SELECT 1/0");
check(pg_result_error_field(pg_get_result($c), PGSQL_DIAG_SQLSTATE) === "22012", "state");
while (pg_get_result($c));
pg_send_query($c, "SELECT pg_sleep(47)");
usleep(200000);
check(pg_cancel_query($c), "cancel");

foreach ([true, false] as $emulate) {
	$p = new PDO("pgsql:", null, null, [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::ATTR_EMULATE_PREPARES => $emulate]);
	$q = $p->prepare("SELECT name FROM items WHERE id = ?");
	for ($i = 1; $i <= 20; $i++) { $q->execute([$i]); check($q->fetchColumn() === "item $i", "pdo $i"); }
	$p->beginTransaction();
	$p->exec("DELETE FROM e2e_php");
	check($p->query("SELECT count(*) FROM e2e_php")->fetchColumn() == 0, "pdo own writes");
	$p->rollBack();
}
pg_query($c, "DROP TABLE e2e_php");
echo "ok\n";
