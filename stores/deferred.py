"""Imports a package now and runs its `__init__` on first use.

`import lancedb` imports `lance_namespace_urllib3_client`, a REST client that a table on disk never calls. Some of its
models are needed; its `__init__` also imports every class of its API, which takes half of the whole time. So that one
`__init__` waits until somebody reads a name of it. Nothing is replaced: the module, its submodules and its classes are
the real ones, and whoever imports the package afterwards gets all of it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


@contextmanager
def deferred(package: str) -> Iterator[None]:
    """Within the block, an import of the package leaves its `__init__` for later. Does nothing if it is imported."""
    finder = _Finder(package)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _Finder(MetaPathFinder):
    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._package:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None and spec.submodule_search_locations is not None:
            spec.loader = _FirstUseLoader(spec.loader)
        return spec


class _FirstUseLoader(Loader):
    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        def first_use(name: str) -> object:
            importlib.reload(module)  # by now found by its real loader; returns at once while it is running
            try:
                return module.__dict__[name]
            except KeyError:
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}") from None
            finally:
                module.__dict__.pop("__getattr__", None)

        # Python asks a module's own `__getattr__` for the names that it lacks.
        module.__dict__["__getattr__"] = first_use
