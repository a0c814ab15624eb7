"""MedRec: patients own, share and audit their medical records."""

from __future__ import annotations
