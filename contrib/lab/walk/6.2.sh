# Section 6, second option: weights decide how many reads a server gets.
# shellcheck shell=bash disable=SC2154

# weigh N N: sets the weights of both servers everywhere, and has the crew read them.
weigh() {
	local h
	for h in $(crew_hosts pgwatch); do
		sed -i "s/^\(backend_weight0 *=\).*/\1 $1/; s/^\(backend_weight1 *=\).*/\1 $2/" "$STATE/hosts/$h/etc/pgpool2/pgpool.conf"
	done
	pcp reload_config -s cluster
	expect "the answer" "pcp_reload_config -- Command Successful" "$output"
	until_true 30 weights_are "$1" "$2" || :
}

weights_are() { pool_nodes_now && [ "$(column lb_weight | paste -sd' ')" = "$(weights "$@")" ]; }

# weights N N: as the table has them.
weights() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%f %f", a / (a + b), b / (a + b) }'; }

title "6.2 Weights"
settle
weigh 1 3
pool_nodes
expect "the weights" "$(weights 1 3)" "$(column lb_weight | paste -sd' ')"
mapfile -t before < <(column select_cnt)
on client bash -c "echo 'select * from test.test' >/tmp/read.sql"
client "$PGBIN/pgbench" -n -C -c 4 -t 250 -f /tmp/read.sql -h "$VIP" -p 9999 -U postgres test
pool_nodes
mapfile -t after < <(column select_cnt)
grown=($((after[0] - before[0])) $((after[1] - before[1])))
expect "a thousand reads were counted" 1000 "$((grown[0] + grown[1]))"
# Of 1000 draws with a chance of 3/4, less than one series in a thousand is off by 5 %.
if ((grown[1] >= 700 && grown[1] <= 800)); then near=yes; else near="no: ${grown[*]}"; fi
expect "three of four went to node 1, within 5 %: ${grown[*]}" yes "$near"
weigh 1 1
