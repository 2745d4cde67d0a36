"""The engine: compile, advance, resume, retry, clock. It knows no WhatsApp; actions do."""
