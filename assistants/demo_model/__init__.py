"""An OpenAI-compatible server that answers by plain rules ("Demo-Modell"), so that demo and tests need no key.

It finds the given fact that fits the question best. Nothing in production code knows it.
"""
