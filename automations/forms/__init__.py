"""Forms of steps and triggers: they validate settings, draw the panel, and name the fields that take data."""
