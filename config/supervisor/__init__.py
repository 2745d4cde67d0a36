"""One supervisor for `make run` and for production: starts, watches, restarts and stops our processes."""
