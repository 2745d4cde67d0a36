"""Django's SQLite backend with the settings and the fair write lock that several processes need."""
