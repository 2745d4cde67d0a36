"""The demo workspace: an ordinary workspace whose senders speak with the emulator. Nothing in production knows it."""
