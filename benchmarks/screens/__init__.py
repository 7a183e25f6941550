"""What the benchmarks of the screen measure: programs in a pseudo-terminal, ours and its peers, and who drives them."""
