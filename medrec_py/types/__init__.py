"""The words of the protocol as Python types; no network, no clock, no keys."""
