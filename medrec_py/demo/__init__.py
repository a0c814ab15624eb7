"""The demonstration: one patient's whole record, sealed, anchored, shared, read, revoked and verified."""

from medrec_py.demo.report import Cost, DemoReport, FoundFault, RefusedRequest, Step
from medrec_py.demo.scene import Observer
from medrec_py.demo.story import run_demo

__all__ = ["Cost", "DemoReport", "FoundFault", "Observer", "RefusedRequest", "Step", "run_demo"]
