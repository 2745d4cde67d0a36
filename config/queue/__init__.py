"""What stands between django-q2 and us: brokers of our own, the clusters' heartbeat and their entry point."""
