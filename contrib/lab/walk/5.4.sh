# Section 5.4: reads are spread over both nodes, writes are not.
# shellcheck shell=bash disable=SC2016 # what is printed is for a shell to expand

title "5.4 Load balancing queries"

# counts: select_cnt of node 0, of node 1, ... in one line, as the router tells.
counts() {
	client psql -h "$ENTRY" -p 9999 -U pgpool postgres -c "show pool_nodes"
	mapfile -t count < <(column select_cnt)
	[ ${#count[@]} = 2 ] || die "$EX_FAILED" "walk: show pool_nodes: two nodes with a select_cnt expected"
}

# ten STATEMENT-WITH-@ WANTED: ten connections, one statement each; @ is the number.
ten() {
	local i
	for i in {1..10}; do
		output=$(on client env PGPASSWORD=postgres psql -At -h "$ENTRY" -p 9999 -U postgres test -c "${1//@/$i}" 2>&1) || :
		[ "$output" = "${2//@/$i}" ] || expect "${1//@/$i}" "${2//@/$i}" "$output"
	done
}

output=$(on client env PGPASSWORD=postgres psql -At -h "$ENTRY" -p 9999 -U postgres test -c "update test.test set value=1 where id=1" 2>&1) || :
expect "the table of section 5.3 is there" "UPDATE 1" "$output"
wait_replay
counts
before=("${count[@]}")

# A router that draws lots sends ten sessions in a row to one node once in 512 times, so a lopsided
# ten is repeated; nine more rounds of that are once in 10^29.
reads=0
for round in {1..10}; do
	printf 'client$ for i in `seq 1 10`; do psql -h %s -p 9999 -U postgres test -c "select * from test.test"; done\n' "$ENTRY"
	ten "select * from test.test" "1|1"
	reads=$((reads + 10))
	counts
	grown=($((count[0] - before[0])) $((count[1] - before[1])))
	if ((grown[0] > 0 && grown[1] > 0)); then break; fi
	note "round $round: all reads went to one node"
done
if ((grown[0] > 0 && grown[1] > 0)); then spread=both; else spread=one; fi
expect "select_cnt has grown on both nodes, by ${grown[0]} and ${grown[1]}" both "$spread"
expect "every read was counted once" "$reads" "$((grown[0] + grown[1]))"

before=("${count[@]}")
printf 'client$ for i in `seq 1 10`; do psql -h %s -p 9999 -U postgres test -c "update test.test set value=$i where id=1"; done\n' "$ENTRY"
ten "update test.test set value=@ where id=1" "UPDATE 1"
counts
expect "select_cnt is as it was before the updates" "${before[*]}" "${count[*]}"
wait_replay
expect "the last update is on the standby" 10 "$(sql "$(role_host standby)" "select value from test.test where id=1" test)"
