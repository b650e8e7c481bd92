"""Tables and verdicts."""
import statistics

from . import scenarios

UNITS = {"query": "s", "write": "s", "pause": "s", "refused": "s", "two_addresses": "s", "usual": "s"}
WATCHED = {"usual": None, "two_primaries": 0, "two_addresses": None, "missing": None}  # of every scenario: the most that may be, None: told only


def rows(runs):
    """One row a scenario and figure: (scenario, figure, [values], bar)."""
    out = []
    for name in dict.fromkeys(r["scenario"] for r in runs):
        mine = [r for r in runs if r["scenario"] == name]
        bars = scenarios.ALL[name].bars
        for figure in [*bars, *(f for f in WATCHED if f not in bars and any(f in r for r in mine))]:
            values = [r.get(figure) for r in mine if "error" not in r]
            if values:
                out.append((name, figure, values, bars.get(figure, WATCHED.get(figure))))
    return out


def kept(figure, values, bar):
    """Times by their median, counts always. A figure that never came is no success."""
    if bar is None:
        return True
    if any(v is None for v in values):
        return False
    if figure == "one_history":
        return min(values) >= bar
    return (statistics.median(values) if figure in UNITS else max(values)) <= bar


def number(v):
    return "never" if v is None else f"{v:.2f}" if isinstance(v, float) else str(v)


def table(runs):
    out = ["| scenario | figure | runs | median | min | max | bar | |", "|---|---|--:|--:|--:|--:|--:|---|"]
    for name, figure, values, bar in rows(runs):
        known = [v for v in values if v is not None]
        middle = statistics.median(known) if known else None
        most = None if len(known) < len(values) else max(known)
        words = [number(middle), number(min(known, default=None)), number(most)]
        unit = f" ({UNITS[figure]})" if figure in UNITS else ""
        verdict = "" if bar is None else "kept" if kept(figure, values, bar) else "**missed**"
        out.append(f"| {scenarios.ALL[name].what} | {figure.replace('_', ' ')}{unit} | {len(values)} | {' | '.join(words)} | {'' if bar is None else bar} | {verdict} |")
    return "\n".join(out)


def missed(runs):
    return [f"{name}: {figure}" for name, figure, values, bar in rows(runs) if not kept(figure, values, bar)] + \
        [f"{r['scenario']}: {r['error']}" for r in runs if "error" in r]
