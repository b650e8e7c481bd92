package e2e

import (
	"regexp"
	"slices"
	"strings"
)

var (
	times   = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d( \(.*? before process restarting\))?`)
	ports   = regexp.MustCompile(`(?m)(127\.0\.0\.\d[ :]|^(?:Pgpool port|Watchdog port|Port) +: )\d+( \d{4,5}\b)?`)
	host    = regexp.MustCompile(` Linux \S+`)
	members = regexp.MustCompile(`127\.0\.0\.\d|Node priority +: \d`)
	delays  = regexp.MustCompile(`(?m)((?:primary|standby|unknown) |^Replication Delay +: )\d+`)
	numbers = regexp.MustCompile(`\b\d+\b`)
	pids    = regexp.MustCompile(`(N( \t \| \t N)?\s)+`)
	checks  = regexp.MustCompile(`(?m)(( TIME| )+$|^(Last .* Health Check +):.*$)`)
	empty   = regexp.MustCompile(`(?m)^(  TIME .*|Database +: \n(.+\n)+)\n`)
)

// normal is an output without what differs from run to run, and without what the crew has in another way than Pgpool-II.
func normal(words, text string) string {
	text = times.ReplaceAllString(text, "TIME")
	text = ports.ReplaceAllString(text, "${1}PORT")
	text = members.ReplaceAllString(text, "MEMBER") // any may be the leader
	text = host.ReplaceAllString(text, " Linux HOST")
	text = delays.ReplaceAllString(text, "${1}DELAY")
	switch strings.Fields(words)[0] {
	case "pcp_health_check_stats":
		// Pgpool-II does not look at a node that is detached, and counts that.
		text = checks.ReplaceAllString(numbers.ReplaceAllString(text, "N"), "$3")
	case "pcp_proc_count":
		// There is no process for each client, nor one that waits for a client.
		text = pids.ReplaceAllString(numbers.ReplaceAllString(text, "N"), "N")
	case "pcp_proc_info":
		text = numbers.ReplaceAllString(empty.ReplaceAllString(text, ""), "N")
	}
	return text
}

// gone are parameters that the crew has under the names of later versions, and counters of the query cache.
var gone = []string{"delegate_IP", "logdir", "socket_dir", "memqcache_cache_hits", "memqcache_no_cache_hits", "memqcache_stats_start_time",
	"memqcache_cache_oiddir"}

var parameter = regexp.MustCompile(`name : (\S+)\nvalue: .*\ndesc : .*\n\n`)

// parameters wants the output of pcp_pool_status to have the form and all the parameters of a recorded one. Values and
// descriptions are the crew's own.
func (w *world) parameters(got, recorded string) {
	w.t.Helper()
	if rest := parameter.ReplaceAllString(got, ""); rest != "" {
		w.t.Errorf("pcp_pool_status prints, besides parameters: %s", rest)
	}
	names := func(text string) (all []string) {
		for _, m := range parameter.FindAllStringSubmatch(text, -1) {
			all = append(all, m[1])
		}
		return all
	}
	has := names(got)
	for _, name := range names(recorded) {
		if !slices.Contains(has, name) && !slices.Contains(gone, name) {
			w.t.Errorf("pcp_pool_status prints no %s", name)
		}
	}
}
