"""Names that a study file may use, each with the frozen dataclass it builds."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from tunewise.core.canonical import Settings, arguments, open_field
from tunewise.core.errors import InputError, Problem, unknown

T = TypeVar("T")


class Registry(Generic[T]):
    """A kind of part (methods, tasks), found by the files of a folder and by entry points.

    Whoever adds a part adds one file to the folder, or declares an entry point in the group
    ``tunewise.<kind>s`` that names a module; no list has to be edited.
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self.package = package
        self._classes: dict[str, type[T]] = {}
        self._complete = False

    def register(self, name: str) -> Callable[[type[T]], type[T]]:
        """Give a frozen dataclass its name in study files."""

        def add(cls: type[T]) -> type[T]:
            if name in self._classes and self._classes[name].__qualname__ != cls.__qualname__:
                raise ValueError(f"two {self.kind}s are called '{name}'")
            self._classes[name] = cls
            cls.name = name  # type: ignore[attr-defined]  # every part knows its own name
            return cls

        return add

    @property
    def classes(self) -> dict[str, type[T]]:
        """All known parts by name."""
        if not self._complete:
            folder = importlib.import_module(self.package)
            for module in pkgutil.iter_modules(folder.__path__):
                importlib.import_module(f"{self.package}.{module.name}")
            for entry in entry_points(group=f"tunewise.{self.kind}s"):
                entry.load()
            self._complete = True
        return dict(sorted(self._classes.items()))

    def __contains__(self, name: str) -> bool:
        """Whether there is a part of that name. What lies in a file of its name is found in it
        alone: some of the others load large libraries.
        """
        if name in self._classes:
            return True
        file = name.replace("-", "_")
        if not self._complete and file.isidentifier():
            with suppress(ModuleNotFoundError):
                importlib.import_module(f"{self.package}.{file}")
        return name in self._classes or name in self.classes

    def get(self, name: str) -> type[T]:
        """The class of that name; an unknown name is an `InputError` with the nearest one."""
        if name not in self:
            raise InputError(unknown(self.kind, name, self.classes))
        return self._classes[name]

    def build(self, name: str, settings: Settings) -> T:
        """Make the part from stored settings; lists become tuples where a tuple is declared."""
        cls = self.get(name)
        known = [field.name for field in fields(cls)]  # type: ignore[arg-type]  # all are dataclasses
        wrong = [key for key in settings if key not in known and open_field(cls) is None]
        if wrong:
            raise InputError(
                [Problem(f"{self.kind} {name}", unknown("setting", key, known)) for key in wrong]
            )
        return cls(**arguments(cls, {key: _frozen(value) for key, value in settings.items()}))


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
