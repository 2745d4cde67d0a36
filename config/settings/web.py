"""The web server: where it listens and how much it does at once."""

from config.settings.environment import env, integer

# `make run` binds the loopback address only; in a container it is 0.0.0.0 behind the proxy.
WEB_HOST = env.str("WEB_HOST", default="127.0.0.1")
WEB_WORKERS = integer("WEB_WORKERS", 1, minimum=1)
# Threads for pages and webhooks in each worker, each with one database connection that lives on.
WEB_THREADS = integer("WEB_THREADS", 16, minimum=1)
# Requests and open live streams in each worker; more wait in the socket's backlog.
WEB_CONNECTIONS = integer("WEB_CONNECTIONS", 512, minimum=1)
