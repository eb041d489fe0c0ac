"""Classes that are chosen by name, and objects that know how they were made.

A `Registry` maps names to classes: there is one for layers, one for losses, and so on. A `Configured` object keeps the
arguments of its constructor, so that it can be printed, written to JSON, and built again from that JSON.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from clearprop.arguments import names_checked
from clearprop.arrays import brief
from clearprop.errors import OptionError, UnknownNameError
from clearprop.rules import choose as choose
from clearprop.rules import count as count
from clearprop.rules import number as number
from clearprop.rules import require as require
from clearprop.rules import seeded as seeded
from clearprop.rules import switch as switch
from clearprop.rules import text as text
from clearprop.rules import unknown_name as unknown_name


class Configured:
    """An object that keeps every constructor argument under the argument's own name, as scikit-learn's estimators do.

    A constructor checks the values that it is given, by `number`, `count` and their like; their names are checked here.
    """

    def __init_subclass__(cls, **named: Any) -> None:
        super().__init_subclass__(**named)
        if cls.__module__.startswith(f"{__package__}."):
            names_checked(cls)

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """The constructor's arguments and their default values (`inspect.Parameter.empty` where there is none), in order."""
        if cls.__init__ is object.__init__:
            return {}
        return {name: p.default for name, p in list(inspect.signature(cls.__init__).parameters.items())[1:]}

    @classmethod
    def starred(cls, arguments: dict[str, Any]) -> list[Any]:
        """Arguments that a constructor with `*layers`, say, takes one by one; they are taken out of those by name."""
        names = [p.name for p in inspect.signature(cls.__init__).parameters.values() if p.kind is p.VAR_POSITIONAL]
        return [value for name in names for value in arguments.pop(name, ())] if cls.__init__ is not object.__init__ else []

    def config(self) -> dict[str, Any]:
        """The object as JSON-able values: its class name under `"type"`, and its arguments."""
        return {"type": type(self).__name__, **{name: _plain(getattr(self, name)) for name in self.defaults()}}

    def __repr__(self) -> str:
        shown = []
        for name, default in self.defaults().items():
            value = getattr(self, name)
            if default is inspect.Parameter.empty:
                shown.append(repr(value))
            elif value != default and not _stands_for(default, value):
                shown.append(f"{name}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"

    def same_config(self, other: object) -> bool:
        """Whether `other` is of the same class and was made with the same arguments.

        This is not equality, which is identity: two layers made alike have weights of their own.

        Examples
        --------
        >>> from clearprop.nn import Tanh
        >>> Tanh().same_config(Tanh()), Tanh() == Tanh()
        (True, False)
        """
        return type(other) is type(self) and isinstance(other, Configured) and other.config() == self.config()


def _stands_for(name: object, value: object) -> bool:
    """Whether `name` is short for `value`, as "xavier" is for `Xavier()`."""
    return isinstance(name, str) and isinstance(value, Configured) and name_key(repr(value)) == name_key(f"{name}()")


def _plain(value: Any) -> Any:
    """`value` in terms of JSON: configured objects become their configuration, tuples become lists."""
    if isinstance(value, Configured):
        return value.config()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def name_key(name: str) -> str:
    """The form in which names are compared: "CrossEntropy", "cross_entropy" and "cross-entropy" are one."""
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


T = TypeVar("T", bound=Configured)
E = TypeVar("E", bound=Configured)


class Registry(Generic[T]):
    """The classes of one kind, by name.

    Parameters
    ----------
    kind : str
        Noun for an entry, for messages: "activation", "loss".
    base : class
        Base class of all entries.
    entries : dict of str to class
        Name as it is listed to users -> class.
    aliases : dict of str to str, optional
        Further names that users know, -> name of the entry.
    within : Registry, optional
        A registry that holds these entries among others (layers, for activations); what is registered here is registered
        there as well.

    Examples
    --------
    >>> from clearprop.optim import OPTIMIZERS
    >>> OPTIMIZERS.make("sgd")
    SGD()
    >>> OPTIMIZERS.make("adm")
    Traceback (most recent call last):
    clearprop.errors.UnknownNameError: There is no optimizer called 'adm'; did you mean 'adam'? ...
    """

    def __init__(
        self,
        kind: str,
        base: type[T],
        entries: dict[str, type[T]],
        aliases: dict[str, str] | None = None,
        within: Registry[T] | None = None,
    ) -> None:
        self.kind, self.base, self.within = kind, base, within
        self.entries = dict(entries)
        self.aliases = dict(aliases or {})
        self._classes = {name_key(name): entry for name, entry in self.entries.items()}
        self._classes |= {name_key(entry.__name__): entry for entry in self.entries.values()}
        self._classes |= {name_key(alias): self.entries[name] for alias, name in self.aliases.items()}

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def register(self, entry: type[E], name: str | None = None) -> type[E]:
        """Add a class of your own, so that it is found by name: in `mlp`, on the command line, in saved models.

        It returns the class, and so serves as a decorator. Registering a class again replaces it, as when a notebook cell
        is run twice.

        Parameters
        ----------
        entry : class
            A concrete subclass of the registry's base.
        name : str, optional
            By default the name of the class in lower case: "my_square" for `MySquare`.

        Raises
        ------
        OptionError
            If it is no such class, or another class already has one of its names.

        Examples
        --------
        >>> from clearprop.nn import Layer
        >>> layers = Registry("layer", Layer, {})
        >>> @layers.register
        ... class Square(Layer):
        ...     def forward(self, x, training=False):
        ...         return x * x, x
        ...     def backward(self, saved, dy):
        ...         return dy * 2 * saved
        >>> layers.make("square")
        Square()
        """
        if not (isinstance(entry, type) and issubclass(entry, self.base)) or inspect.isabstract(entry):
            raise OptionError(
                f"register takes a class derived from {self.base.__name__} that defines all of its abstract methods,"
                f" not {brief(entry)}."
            )
        name = None if name is None else text("name", name)
        if name is not None and not re.fullmatch(r"\w[\w -]*", name):
            raise OptionError(f"name must be made of letters, digits, spaces, - and _, such as 'my_square', not {name!r}.")
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", entry.__name__).lower() if name is None else name
        for taken in (entry.__name__, name):
            other = self._known(taken)
            if other is not None and (other.__module__, other.__qualname__) != (entry.__module__, entry.__qualname__):
                raise OptionError(
                    f"The {self.kind} {taken!r} is already {other.__module__}.{other.__qualname__};"
                    f" choose another name{' for the class' if taken == entry.__name__ else ''}."
                )
        if self.within is not None:
            self.within.register(entry, name)
        found: Any = entry  # of this registry's kind, as was just checked
        self.entries[name] = found
        self._classes |= {name_key(name): found, name_key(entry.__name__): found}
        return found

    def find(self, name: str) -> type[T]:
        """The class called `name`, whatever its case, hyphens and underscores.

        Raises
        ------
        UnknownNameError
            If there is none; the message lists the known names and suggests the nearest.
        """
        found = self._known(str(name))
        if found is None:
            raise UnknownNameError(unknown_name(self.kind, name, list(self), list(self.aliases)))
        return found

    def _known(self, name: str) -> type[T] | None:
        return self._classes.get(name_key(name))

    def make(self, given: str | dict[str, Any] | T) -> T:
        """An object from its name, from its `config()`, or the object itself.

        Raises
        ------
        UnknownNameError
            If the name, or the configuration's `"type"`, is not known.
        OptionError
            If the configuration lacks an argument or has one too many.
        """
        if isinstance(given, str):
            given = {"type": given}
        if isinstance(given, self.base):
            return given
        if not isinstance(given, dict):
            hint = f"{given.__name__}()" if isinstance(given, type) and issubclass(given, self.base) else "an object"
            raise OptionError(f"Not a known kind of {self.kind}: {brief(given)}; give {hint} or a name ({', '.join(self)}).")
        arguments = {name: value for name, value in given.items() if name != "type"}
        found = self.find(given.get("type", ""))
        try:
            parts = [self.make(part) if isinstance(part, dict) else part for part in found.starred(arguments)]
            return found(*parts, **arguments)
        except TypeError as error:
            raise OptionError(f"Cannot make the {self.kind} {found.__name__} from {brief(arguments)}: {error}.") from None
