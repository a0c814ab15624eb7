"""The demonstration: one synthetic patient's whole record, sealed, anchored, shared, read, revoked and verified."""
