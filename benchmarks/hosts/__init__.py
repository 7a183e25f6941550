"""Programs that host workers, ours and what people would use instead, each measured in an interpreter of its own.

A hosting takes tasks and a function to call for each due one; `steady`, `burst` and the others measure what comes of
it, alike for all of them.
"""
