"""The template of a report."""

from __future__ import annotations

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<title>{{ title }}</title>
<style>
:root { color-scheme: light dark; --ink: #1c1e21; --faint: #6b7178; --rule: #d8dbdf; --page: #ffffff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8eb; --faint: #9aa1a9; --rule: #3a3f45; --page: #17191c; }
}
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: var(--ink); background: var(--page);
  font: 16px/1.5 system-ui, sans-serif; }
h1, h2 { line-height: 1.2; }
h2 { margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 0.6rem; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: top; }
td.number, th.number { text-align: right; white-space: nowrap; }
small, .faint { color: var(--faint); }
.wide { overflow-x: auto; }
figure { margin: 1.5rem 0; }
figcaption { font-weight: 600; }
svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--ink); font-size: 12px; }
.grid { stroke: var(--rule); stroke-width: 1; }
.line { fill: none; stroke-width: 2; }
.swatch { display: inline-block; width: 0.8em; height: 0.8em; border-radius: 50%; margin: 0 0.4em 0 1em; }
{% for colour in ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8f7a00", "#7f7f7f", "#7f7f7f"] %}
.f{{ loop.index0 }} { fill: {{ colour }}; background: {{ colour }}; } .l{{ loop.index0 }} { stroke: {{ colour }}; }
{% endfor %}
</style>
</head>
<body>
{% macro score(interval) %}
{% if interval.count %}
{{ interval.mean|score }}<br /><small>{{ interval.low|score }} to {{ interval.high|score }}</small>
{% endif %}
{% endmacro %}
{% macro number(text) %}
<th class="number">{{ text }}</th>
{% endmacro %}
{% macro draw(chart) %}
<figure>
<figcaption>{{ chart.title }}</figcaption>
<svg viewBox="0 0 {{ width }} {{ chart.height }}" role="img" aria-label="{{ chart.title }}">
{% for tick in chart.y_ticks %}
{% set at = tick.at|place %}
<line class="grid" x1="{{ left }}" x2="{{ right }}" y1="{{ at }}" y2="{{ at }}" />
<text x="{{ left - 8 }}" y="{{ (tick.at + 4)|place }}" text-anchor="end">{{ tick.label }}</text>
{% endfor %}
{% for tick in chart.x_ticks %}
{% set at = tick.at|place %}
<line class="grid" x1="{{ at }}" x2="{{ at }}" y1="{{ top }}" y2="{{ chart.floor }}" />
<text x="{{ at }}" y="{{ chart.floor + 16 }}" text-anchor="middle">{{ tick.label }}</text>
{% endfor %}
<text x="{{ (left + right) / 2 }}" y="{{ chart.height - 6 }}" text-anchor="middle">{{ chart.x_label }}</text>
{% if chart.y_label %}
<text x="4" y="{{ top + 8 }}">{{ chart.y_label }}</text>
{% endif %}
{% for bar in chart.bars %}
<rect class="f{{ bar.series }}" x="{{ bar.x|place }}" y="{{ bar.y|place }}"
  width="{{ bar.width|place }}" height="{{ bar.height|place }}"><title>{{ bar.tip }}</title></rect>
{% endfor %}
{% for line in chart.lines %}
<polyline class="line l{{ line.series }}" points="{{ line.path }}" />
{% endfor %}
{% for dot in chart.dots %}
<circle class="f{{ dot.series }}" cx="{{ dot.x|place }}" cy="{{ dot.y|place }}" r="4">
<title>{{ dot.tip }}</title>
</circle>
{% endfor %}
</svg>
{% if chart.names %}
<p>
{% for name in chart.names %}
<span class="swatch f{{ loop.index0 }}"></span>{{ name }}
{% endfor %}
</p>
{% endif %}
</figure>
{% endmacro %}
<h1>{{ title }}</h1>
<p class="faint">Means over queries, with 95 % bootstrap intervals. A document's score is that of its best passage.</p>
<div class="wide">
<table>
<tr>
<th>System</th>
<th>Questions</th>
{% for name in metrics %}
{{ number(name ~ (" (lower is better)" if name in lower else "")) }}
{% endfor %}
{{ number("ms p50") }}
{{ number("ms p95") }}
</tr>
{% for evaluation in evaluations %}
<tr>
<td>{{ evaluation.name }}
{% for key, value in evaluation.settings.items() %}
<br /><small>{{ key }}: {{ value }}</small>
{% endfor %}
</td>
<td>{{ evaluation.results|length }} of {{ evaluation.dataset }} {{ evaluation.split }}</td>
{% for name in metrics %}
<td class="number">{{ score(evaluation.interval(name)) }}</td>
{% endfor %}
{% for quantile in [0.5, 0.95] %}
{% set time = evaluation.milliseconds(quantile) %}
<td class="number">{{ time|place if time is not none else "" }}</td>
{% endfor %}
</tr>
{% endfor %}
</table>
</div>
{% if evaluations|length > drawn %}
<p class="faint">Only the first {{ drawn }} of the {{ evaluations|length }} results are compared and drawn by name.</p>
{% endif %}
{% for chart in charts %}
{{ draw(chart) }}
{% endfor %}
{% for item in against %}
{% set ours = item.comparison.ours.name %}
{% set theirs = item.comparison.theirs.name %}
<h2>{{ ours }} against {{ theirs }}</h2>
<div class="wide">
<table>
<tr>
<th>Metric</th>
{{ number(ours) }}
{{ number(theirs) }}
{{ number("Difference") }}
{{ number("Better, equal, worse") }}
<th></th>
</tr>
{% for row in item.comparison.metrics %}
<tr>
<td>{{ row.metric }}</td>
<td class="number">{{ row.ours|score }}</td>
<td class="number">{{ row.theirs|score }}</td>
<td class="number">{{ score(row.difference) }}</td>
<td class="number">{{ row.better }}, {{ row.equal }}, {{ row.worse }}</td>
<td>{{ row.verdict }}</td>
</tr>
{% endfor %}
</table>
</div>
{{ draw(item.chart) }}
{% if item.changes %}
<details>
<summary>The queries that differ most by {{ item.metric }}</summary>
<table>
<tr>
<th>Query</th>
{{ number(ours) }}
{{ number(theirs) }}
<th>Text</th>
</tr>
{% for change in item.changes %}
<tr>
<td>{{ change.query_id }}</td>
<td class="number">{{ change.ours|score }}</td>
<td class="number">{{ change.theirs|score }}</td>
<td>{{ change.text }}</td>
</tr>
{% endfor %}
</table>
</details>
{% endif %}
{% endfor %}
<h2>Queries, the worst first</h2>
{% for place, results in worst.items() %}
<details>
<summary>{{ evaluations[place].name }}</summary>
<table>
<tr>
<th>Query</th>
{{ number(metric) }}
{{ number("First right") }}
<th>Text</th>
</tr>
{% for result in results %}
<tr>
<td>{{ result.query_id }}</td>
<td class="number">{{ result.scores[metric]|score if metric in result.scores else "" }}</td>
<td class="number">{{ result.first_relevant() or "" }}</td>
<td>{{ result.text }}
{% for more in [result.answer, result.error] if more %}
<br /><small>{{ more }}</small>
{% endfor %}
</td>
</tr>
{% endfor %}
</table>
</details>
{% endfor %}
</body>
</html>
"""
