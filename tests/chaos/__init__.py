"""Real processes, killed at random, between an unreliable platform and a business that must not notice."""
