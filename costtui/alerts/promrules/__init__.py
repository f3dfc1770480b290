"""The rules and budgets of a configuration as rules of a Prometheus server.

`export.exported` puts them together: `pages` says which series of a preset carry which quantity,
`recording` what is recorded of them, `watched` the alert of each watch, `units` a test of all of it
for `promtool`. Why the expressions are what they are is docs/decisions/058-rules-in-prometheus.md.
"""
