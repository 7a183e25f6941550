"""The console: the command line and the screen."""
