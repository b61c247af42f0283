"""A configuration-driven experiment runner that judges whether backpropagations agree."""

from runner.checking import DisagreementError, Verdict, check, check_op

__version__ = "0.1.0"

__all__ = ["DisagreementError", "Verdict", "check", "check_op"]
