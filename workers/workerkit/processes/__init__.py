"""Runs in processes of their own: a child that may crash, hang or be killed, and a host that only ever reads JSON.

`supervisor` watches one child from the host; `child` is what happens in it; `protocol` is what passes between them.
Children come from a `zygote` (Linux) or a fresh interpreter. See docs/isolation.md.
"""
