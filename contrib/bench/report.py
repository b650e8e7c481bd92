"""Ratios and tables. A ratio is taken between two runs of the same round, so that both met the same machine."""
import fnmatch
import statistics

import contenders
import workloads

METRICS = [("cost", "CPU of the proxy (memory, for idle clients)"), ("speed", "Speed"), ("p50", "Median latency"), ("p99", "99 % latency")]
RAW = [("cost", 2), ("speed", 0), ("p50", 3), ("p99", 3), ("servers_us", 1), ("client_us", 1), ("others", 2), ("standby", 2), ("rss", 2),
       ("pss_mib", 1), ("clients", 0)]


def ratios(runs):
    """One entry for each workload, route, peer and metric: pgrouter's figure over the peer's, for each round that has both."""
    by = {(r["workload"], r["contender"], r["round"]): r for r in runs}
    rounds = sorted({r["round"] for r in runs})
    out = []
    for w in dict.fromkeys(r["workload"] for r in runs):
        for mine in workloads.ALL[w].among:
            for peer in contenders.peers(mine, workloads.ALL[w].among):
                for metric, _ in METRICS:
                    pairs = [(by.get((w, mine, n), {}).get(metric), by.get((w, peer, n), {}).get(metric)) for n in rounds]
                    values = [a / b for a, b in pairs if a is not None and b]
                    if values:
                        out.append({"workload": w, "route": contenders.ALL[mine].route, "peer": contenders.ALL[peer].label, "metric": metric,
                                    "median": statistics.median(values), "low": min(values), "high": max(values), "rounds": len(values),
                                    "best": best(metric, [a for a, _ in pairs]) / best(metric, [b for _, b in pairs])})
    return out


def best(metric, figures):
    """The best of the rounds. Other work on the machine nearly always adds, so this is the least disturbed."""
    return (max if metric == "speed" else min)(f for f in figures if f is not None)


def bar(workload, peer):
    """The most that pgrouter's cost over the peer's may be, or None."""
    return next((most for pattern, p, most in workloads.BARS if p == peer and fnmatch.fnmatch(workload, pattern)), None)


def ratio_tables(runs):
    """Markdown: pgrouter over each peer: median of the rounds (lowest to highest; best round over best round). Bold: over the bar."""
    all_ratios = ratios(runs)
    out = []
    for metric, title in METRICS:
        mine = [r for r in all_ratios if r["metric"] == metric]
        if not mine:
            continue
        columns = [p for p in contenders.PEERS if any(r["peer"] == p for r in mine)]
        out += [f"\n### {title}: pgrouter over ...\n", "| workload | server | " + " | ".join(columns) + " |", "|---|---|" + "--:|" * len(columns)]
        for w, route in dict.fromkeys((r["workload"], r["route"]) for r in mine):
            cells = []
            for p in columns:
                r = next((r for r in mine if (r["workload"], r["route"], r["peer"]) == (w, route, p)), None)
                cells.append(cell(r, bar(w, p) if metric == "cost" else None) if r else "")
            out.append(f"| {w} | {route} | " + " | ".join(cells) + " |")
    return "\n".join(out)


def cell(r, most):
    text = f"{r['median']:.2f}"
    if most is not None and r["median"] > most:
        text = f"**{text}**"
    return text + (f" ({r['low']:.2f}-{r['high']:.2f}; {r['best']:.2f})" if r["rounds"] > 1 else "")


def raw_tables(runs):
    """Markdown: medians of the figures themselves."""
    out = []
    for w in dict.fromkeys(r["workload"] for r in runs):
        rows = [r for r in runs if r["workload"] == w and "error" not in r]
        columns = [(k, d) for k, d in RAW if any(k in r for r in rows)]
        units = {"cost": f"proxy {workloads.ALL[w].cost_unit}", "speed": workloads.ALL[w].speed_unit, "p50": "p50 ms", "p99": "p99 ms",
                 "servers_us": "servers us", "client_us": "client us", "others": "others' load", "standby": "on standby", "rss": "RSS KiB",
                 "pss_mib": "PSS MiB"}
        out += [f"\n### {w}\n", "| | n | " + " | ".join(units.get(k, k) for k, _ in columns) + " |", "|---|--:|" + "--:|" * len(columns)]
        for name in [n for n in workloads.ALL[w].among if any(r["contender"] == n for r in rows)]:
            mine = [r for r in rows if r["contender"] == name]
            cells = [f"{statistics.median(v):.{d}f}" if (v := [r[k] for r in mine if k in r]) else "" for k, d in columns]
            out.append(f"| {name} | {len(mine)} | " + " | ".join(cells) + " |")
    return "\n".join(out)


def verdicts(runs):
    """One line for each bar that is missed."""
    out = [f"{r['workload']} ({r['route']}): {r['median']:.2f} of {r['peer']}, at most {most:.2f} is wanted"
           for r in ratios(runs) if r["metric"] == "cost" and (most := bar(r["workload"], r["peer"])) and r["median"] > most]
    for pattern, peer, most in workloads.BARS:
        values = [r["cost"] for r in runs if peer is None and r["contender"] == "pgrouter" and "cost" in r and fnmatch.fnmatch(r["workload"], pattern)]
        if values and statistics.median(values) > most:
            out.append(f"{pattern}: {statistics.median(values):.2f}, at most {most} is wanted")
    return out
