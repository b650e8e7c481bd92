# What DBD::Pg does: statements it prepares by name, COPY, transactions, asynchronous cancel.
use strict;
use warnings;
use DBI;
use DBD::Pg qw(:pg_types :async);

my $c = DBI->connect("dbi:Pg:", "", "", {RaiseError => 1, PrintError => 0, AutoCommit => 1});
print "read on ", $c->selectrow_array("SELECT node()"), "\n";
my $p = $c->prepare("SELECT name FROM items WHERE id = ?");
for my $i (1 .. 50) {
	$p->execute($i);
	my ($name) = $p->fetchrow_array;
	die "read $i: $name" unless $name eq "item $i";
	$p->finish;
}
$c->do("SET client_min_messages = warning");
$c->do("CREATE TEMP TABLE e2e_dbd (id int, data bytea)");
$c->begin_work;
my $in = $c->prepare("INSERT INTO e2e_dbd VALUES (?, ?)");
$in->bind_param(2, undef, {pg_type => PG_BYTEA});
$in->execute($_, "\0\1\2" x 100) for 1 .. 100;
print "wrote on ", $c->selectrow_array("SELECT node()"), "\n";
my ($n) = $c->selectrow_array("SELECT count(*) FROM e2e_dbd WHERE length(data) = 300");
die "rows: $n" unless $n == 100;
eval { $c->do("SELECT 1/0") };
die "state: " . $c->state unless $c->state eq "22012";
$c->rollback;
$c->do("COPY e2e_dbd (id) FROM STDIN");
$c->pg_putcopydata("$_\n") for 1 .. 1000;
$c->pg_putcopyend;
$c->do("COPY e2e_dbd (id) TO STDOUT");
my ($line, $lines) = ("", 0);
$lines++ while $c->pg_getcopydata($line) >= 0;
die "lines: $lines" unless $lines == 1000;
$c->do("SELECT pg_sleep(47)", {pg_async => PG_ASYNC});
select undef, undef, undef, 0.2;
die "not cancelled" unless $c->pg_cancel;
($n) = $c->selectrow_array("SELECT 1");
$c->do("DROP TABLE e2e_dbd");
$c->disconnect;
print "ok\n";
