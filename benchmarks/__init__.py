"""Measures ocrloom beside its peers: same pages, same machine, same run.

``python -m benchmarks accuracy|speed`` beside the peers; ``lag``, ``memory``, ``scaling``,
``stopping`` and ``profile`` look at ocrloom alone. ``make bench CORPUS=folder`` runs them all.
Only ratios between systems of one run mean anything: absolute figures depend on the machine
and on what else it does.
"""
