"""What things cost, measured against what people would use otherwise. `make bench` runs them."""
