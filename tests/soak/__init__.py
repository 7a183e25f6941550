"""Trials that take minutes or hours, each with a short form that the test suite runs.

`python -m tests.soak TRIAL` runs one, `make soak` all of them in moderate size. A trial holds the product to what
somebody else saw: what workers told another process, slots reckoned by arithmetic of its own, the kernel's figures.
"""
