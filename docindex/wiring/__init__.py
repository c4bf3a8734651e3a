"""The composition root: only this package names concrete stores, loaders and models. Each is imported when used."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
