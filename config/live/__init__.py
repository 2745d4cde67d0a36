"""Live pages: one stream of server-sent events a tab, fed by one watcher a process."""
