"""What is measured on a long history, each module in an interpreter of its own."""
