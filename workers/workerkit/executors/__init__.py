"""Where runs execute. An executor takes a run whose start is on disk and gives it a thread, or a task."""
