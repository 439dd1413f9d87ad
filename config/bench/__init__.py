"""Benchmarks: how near the product comes to what Django and PostgreSQL can do on the same machine.

A benchmark is a function in one of these modules that is registered with ``@benchmark``; ``manage.py bench`` runs all
of them in a database of their own.
"""
