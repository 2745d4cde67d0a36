"""A WhatsApp Cloud API server for development, demos and tests: real HTTP, real refusals, real signatures.

It has files of its own and no access to our database; nothing in production code knows it.
"""
