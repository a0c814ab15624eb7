"""Servers on loopback for development and tests: started, waited for, and ended without leftovers."""
