"""Makes the picture and the table of what was measured: publish.py JSON SVG PAGE"""
import json
import pathlib
import re
import sys
from html import escape

CPU = "main thread, CPU us a message"
BARS = [  # of the picture: case, label
    ("mqtt.qos0", "QoS 0"),
    ("mqtt.qos1", "QoS 1"),
    ("mqtt.qos2", "QoS 2"),
    ("mqtt.no_id", "QoS 1, no id"),
    ("mqtt.duplicates20", "QoS 1, 20 % duplicates"),
    ("mqtt.duplicates100", "QoS 1, all duplicates"),
    ("mqtt.payload2k", "QoS 1, 2 KB"),
    ("mqtt.payload64k", "QoS 1, 64 KB"),
    ("mqtt.publishers50", "QoS 1, 50 publishers"),
]
ROWS = [  # of the table: case, figure, label, target
    ("mqtt.qos0", CPU, "QoS 0: CPU µs a message, main thread", "≤ 1.08 ×, 2.1: 1.20 ×"),
    ("mqtt.qos1", CPU, "QoS 1", "≤ 1.05 ×, 2.1: 1.10 ×"),
    ("mqtt.qos2", CPU, "QoS 2", "≤ 1.15 ×"),
    ("mqtt.duplicates100", CPU, "QoS 1, all duplicates", "< 0.8 ×"),
    ("mqtt.no_id", CPU, "QoS 1, messages without an id", ""),
    ("mqtt.rules_no_match", CPU, "the same with 20 rules, none for the topic", ""),
    ("mqtt.rules_two_pointers", CPU, "QoS 1, 20 rules, a key of two pointers", ""),
    ("mqtt.rules_payload", CPU, "QoS 1, 20 rules, the payload without two members as key", ""),
    ("mqtt.qos1", "all threads, CPU us a message", "QoS 1, all threads", ""),
    ("mqtt.qos1", "latency p99.9, ms", "QoS 1: delivery p99.9 at half the load, ms", "+ 1 ms"),
    ("mqtt.sustained", "messages a second", "ten minutes at full speed: messages a second", ""),
    ("mqtt.sustained", "journal fill, highest, %", "its journal, % full", "< 100"),
    ("store.1M", "rows a second", "rows a second into 1 M rows; limit: plain SQLite", "≥ 0.7 ×"),
    ("store.20M", "rows a second", "the same into 20 M rows", "≥ 0.7 ×"),
    ("store.1M", "bytes written a row", "bytes written a row, to 1 M rows", ""),
    ("store.20M", "bytes written a row", "the same, to 20 M rows", ""),
    ("start.10M", "start, s", "start with 10 M events, s", "≤ 3"),
    ("start.100M", "start, s", "start with 100 M events, s", "≤ 30"),
    ("start.full_journal", "start, s", "start after kill -9, 1 M events, full journal, s", "+ 2"),
    ("http.single", "POSTs a second", "HTTP: single POSTs a second; limit: a constant handler", "≥ 0.5 ×"),
    ("http.bridge", "POSTs a second", "the same; limit: the least bridge from HTTP to a broker with the plugin", "≥ 0.9 ×"),
    ("http.batch", "events a second", "batches of 1,000: events a second; limit: MQTT QoS 1", "≥ 0.6 ×"),
    ("http.events", "events a second", "GET /events of 1 M: events a second; limit: SQLite's scan", "≥ 0.7 ×"),
    ("http.events", "first byte, ms", "its first byte, ms", "< 20"),
    ("http.export", "p99, ms", "p99 of a POST during GET /events of 1 M, ms; limit: idle", "≤ 2 ×"),
]


def number(value):
    if value >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.3g}"


def cell(figure):
    if figure is None:
        return ""
    if "reference" not in figure:
        value = max(figure["values"]) if len(figure["values"]) > 5 else figure["value"]
        return number(value)
    return f"{number(figure['reference'])} → {number(figure['value'])} ({figure['ratio']:.2f})"


class Results:
    def __init__(self, text):
        self.all = json.loads(text)
        self.by_key = {(one["case"], one["broker"]): one for one in self.all["results"]}
        self.brokers = sorted({broker for _, broker in self.by_key if broker},
                              key=lambda version: [int(part) for part in version.split(".")])

    def figure(self, case, broker, name):
        result = self.by_key.get((case, broker)) or self.by_key.get((case, ""))
        return result["figures"].get(name) if result else None


def table(results):
    dates = sorted({one["date"] for one in results.all["results"]})
    lines = [f"Measured on {results.all['machine']}; {' to '.join(dict.fromkeys((dates[0], dates[-1])))}.", ""]
    lines.append("| limit → ours (ratio) | " + " | ".join(results.brokers) + " | target |")
    lines.append("|---" * (len(results.brokers) + 2) + "|")
    for case, name, label, target in ROWS:
        cells = [cell(results.figure(case, broker, name)) for broker in results.brokers]
        if (case, "") in results.by_key:
            cells[1:] = [""] * (len(cells) - 1)
        if any(cells):
            scales = {one["scale"] for (name, _), one in results.by_key.items() if name == case} - {1}
            label += "".join(f" ({scale:g} of that)" for scale in sorted(scales) if not case.startswith("mqtt.q"))
            lines.append(f"| {label} | " + " | ".join(cells) + f" | {target} |")
    return "\n".join(lines)


STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 15px }
  .small { font-size: 11px; fill: #59636e }
  .limit { stroke: #59636e; stroke-dasharray: 3 3 }
  .b0 { fill: #0969da } .b1 { fill: #bc4c00 } .b2 { fill: #1a7f37 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .small { fill: #9198a1 } .limit { stroke: #9198a1 }
    .b0 { fill: #4493f8 } .b1 { fill: #f0883e } .b2 { fill: #3fb950 }
  }
"""


def picture(results):
    bars = [(label, [results.figure(case, broker, CPU) for broker in results.brokers]) for case, label in BARS]
    bars = [(label, figures) for label, figures in bars if any(figures)]
    left, bar, gap, width = 190, 14, 10, 400
    scale = width / max(1.4, *(figure["ratio"] for _, figures in bars for figure in figures if figure))
    parts, y = [], 78
    for label, figures in bars:
        middle = y + len(figures) * bar / 2 + 4
        parts.append(f'<text x="{left - 10}" y="{middle:g}" text-anchor="end">{escape(label)}</text>')
        for i, figure in enumerate(figures):
            if figure:
                size = figure["ratio"] * scale
                words = f"{figure['ratio']:.2f} ({number(figure['reference'])} → {number(figure['value'])} µs)"
                parts.append(f'<rect class="b{i % 3}" x="{left}" y="{y + i * bar}" width="{size:.1f}" '
                             f'height="{bar - 2}" rx="2"/>')
                parts.append(f'<text class="small" x="{left + size + 6:.1f}" y="{y + i * bar + 10}">{words}</text>')
        y += len(figures) * bar + gap
    legend = "".join(f'<rect class="b{i % 3}" x="{left + i * 150}" y="44" width="12" height="12" rx="2"/>'
                     f'<text x="{left + i * 150 + 18}" y="55">Mosquitto {escape(broker)}</text>'
                     for i, broker in enumerate(results.brokers))
    one = left + scale
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {y + 10}" width="760" role="img">'
            f"<title>CPU time a message with the plugin, as a multiple of the bare broker's</title><style>{STYLE}</style>"
            f'<text class="title" x="16" y="24">CPU time of the broker\'s main thread a message, with the plugin ÷ '
            f"without</text>{legend}"
            f'<line class="limit" x1="{one:.1f}" x2="{one:.1f}" y1="66" y2="{y}"/>' + "\n".join(parts) + "</svg>\n")


def main(source, svg, page):
    results = Results(pathlib.Path(source).read_text())
    pathlib.Path(svg).write_text(picture(results))
    path = pathlib.Path(page)
    text, places = re.subn(r"(<!-- made by ./bench --publish -->\n).*?(<!-- until here -->)",
                           lambda match: match[1] + table(results) + "\n" + match[2], path.read_text(), flags=re.S)
    if places != 1:
        sys.exit(f"{page} has no place for the table")
    path.write_text(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
