"""Benchmarks: this kernel beside a peer, in the same run, by the same client.

Absolute times are the machine's; ratios within a round are the kernels'. README.md says how to
read them. Nothing in here is a test: there is no time that fails a build.

* `execute`: the script; ``python -m benchmarks.execute`` or ``make bench``.
* `kernels`: starts kernels as processes, suspends and ends them.
* `client`: the one client that measures them all.
* `report`: medians, ratios, the table.
"""
