"""One file a platform: verify a delivery and parse it into typed events. No database here."""
