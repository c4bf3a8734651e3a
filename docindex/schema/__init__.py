"""The values that pass between the rooms: frozen, and free of behaviour beyond what derives from their own fields.

Offsets are Unicode code points into a document's text, ends exclusive. Pages and ranks count from 1.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
