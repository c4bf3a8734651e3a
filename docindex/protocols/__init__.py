"""The seams: every part that can be swapped, as a Protocol. Whoever has read these few pages knows the library.

Implementations are named in `docindex.wiring` and nowhere else. Contract suites for those that others implement are
in `docindex.testing`; ours pass them too.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
