"""Measures ocrloom beside its peers: same pages, same machine, same run.

``python -m benchmarks accuracy|speed|lag``; ``make bench CORPUS=folder`` runs the first two.
Only ratios between systems of one run mean anything: absolute figures depend on the machine
and on what else it does.
"""
