"""Whether the installation works: for load balancers, for Prometheus, and as one line for people."""
