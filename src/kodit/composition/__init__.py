"""The composition root."""

from kodit.composition.application import Application
from kodit.composition.engines import Engines
from kodit.composition.stages import create_code_indexing_application_service

__all__ = ["Application", "Engines", "create_code_indexing_application_service"]
