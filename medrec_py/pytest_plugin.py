"""Fixtures that give any project's tests a MedRec network of their own, with roles; installed with the package.

pytest loads this module at every run in an environment that holds the package, also in runs that use none of it: so it
imports nothing of the package at its top, and each fixture imports what it needs when a test asks for it.
"""

from __future__ import annotations
