"""What can go wrong, sorted by whose turn it is to act."""

import difflib
import re
import reprlib
from collections.abc import Iterable

AGREE, DISAGREE, BAD_INPUT, NOT_FINISHED = 0, 1, 2, 3
"""Exit codes: the backends agree; they do not; the configuration or a file is wrong; the run could not finish."""


class ConfigError(Exception):
    """A key of the configuration, or a file it names, is wrong (exit code 2).

    Args:
        key: The dotted key, e.g. ``data.low``.
        got: What stands there.
        allowed: What may stand there.
    """

    def __init__(self, key: str, got: object, allowed: str) -> None:
        self.key, self.got, self.allowed = key, got, allowed
        super().__init__(one_line(masked(f"{key}: got {got}; allowed: {allowed}")))

    def below(self, prefix: str) -> "ConfigError":
        """The same complaint, its key taken as lying inside ``prefix``."""
        return ConfigError(f"{prefix}.{self.key}" if self.key else prefix, self.got, self.allowed)

    def of_part(self, key: str, part: str) -> "ConfigError":
        """The same complaint about a ``part`` of what ``key`` describes, which has no key of its own."""
        inside = f"{part} with {self.key}" if self.key else part
        return ConfigError(key, f"{inside}: {self.got}", self.allowed)


class RunError(Exception):
    """The run could not finish (exit code 3)."""

    def __str__(self) -> str:
        return one_line(masked(super().__str__()))


def one_line(text: str) -> str:
    """``text`` with every run of white space folded to one blank, and nothing that a terminal would act on."""
    return printable(" ".join(text.split()))


def printable(text: str) -> str:
    """``text`` with line ends and all else that cannot be seen, and that a terminal may act on, written as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


PASSWORD = re.compile(
    r"(?<=://)(?:[^/@:]*:.*|(?<=http://)[^/?\s]*|(?<=https://)[^/?\s]*)@"
    r"|(?<=[?&])(?P<key>[\w.]*(?:password|passwd|pwd|secret|token|odbc_connect))=[^&\s'\"]+",
    re.DOTALL | re.IGNORECASE,
)
"""What an address has of a password, up to the last @: that of a database may be written with an @ or a / in it."""


def masked(text: str) -> str:
    """``text`` without the passwords of the addresses in it."""
    return PASSWORD.sub(lambda found: f"{found['key']}=***" if found["key"] else "***@", text)


def shortened(value: object) -> str:
    """A Python value as it is written, in one line that is not long whatever it is."""
    return one_line(reprlib.repr(value))


def choices(allowed: Iterable[str], got: object) -> str:
    """The allowed words in order, and the one that is near to what was typed, or else the longest that is in it."""
    words = list(allowed)
    listed = ", ".join(words) if words else "nothing"
    inside = [word for word in words if f"_{word}_" in f"_{got}_" or (len(word) > 2 and str(got).startswith(word))]
    near = difflib.get_close_matches(str(got), words, n=1) or sorted(inside, key=len)[-1:]
    return f"{listed} (did you mean {near[0]}?)" if near else listed


def check_up_to(most: int, **values: int) -> None:
    """Raises ConfigError where a number, by its key, is not from 1 to ``most``."""
    for key, value in values.items():
        if not 1 <= value <= most:
            raise ConfigError(key, value, f"a whole number from 1 to {most}")
