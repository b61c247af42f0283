"""`python -m runner`: wires configuration to experiment, and ends with the exit code."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import nullcontext
from pathlib import Path

from runner import ending, printing, stopping
from runner.catalog import Catalog
from runner.commands import COMMANDS, complete, run_command
from runner.errors import AGREE, BAD_INPUT, NOT_FINISHED, ConfigError, RunError
from runner.paths import CONF
from runner.secrecy import check_words, checked_output

GARBAGE = 50_000
"""Objects made before Python looks for unused ones: of the 700 it begins with, a sixth of a run's time would be spent.

Rows default_run and short_jobs of the benchmark.
"""


def main() -> None:
    """Runs what the command line says and ends the process."""
    ending.quickly()
    printing.name_streams()
    stopping.install()
    gc.set_threshold(GARBAGE)
    argv = sys.argv[1:]
    try:
        code = run_command(argv) if argv and argv[0] in COMMANDS else run(argv)
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        if not printing.is_refused(error):
            raise
        code = printing.give_up(error)
    except KeyboardInterrupt as stop:
        if not stop.args:  # a job that was running has told already
            print("runner: interrupted", file=sys.stderr)
        code = NOT_FINISHED
    stopping.ignore()
    ending.with_code(code)


def run(argv: list[str]) -> int:
    """The exit code of one command line."""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra's errors then reach us instead of being printed over several lines
    import hydra

    from runner import aliases, hydra_errors, job, sweep_end
    from runner.config import register
    from runner.launching.engines import EngineError

    catalog = Catalog()
    try:
        check_words(argv)
        flags = hydra_errors.parse_flags(argv)
        asked = flags.shell_completion and any(word.startswith("query=") for word in flags.overrides)
        if asked and complete(os.environ.get("COMP_LINE", "")):
            return AGREE
        hydra_errors.check_own_names(flags)
        aliases.check_aliases(flags.config_dir)
        catalog = Catalog([Path(flags.config_dir), CONF] if flags.config_dir else [CONF])
        register()
        shown = checked_output() if flags.cfg or flags.info else nullcontext()
        with hydra_errors.searching(), shown, hydra_errors.one_voice(flags), sweep_end.swept():
            hydra.main(config_path=str(CONF), config_name="config", version_base="1.3")(job.job)()
    except SystemExit as end:  # after --help and the like
        return int(end.code or AGREE)
    except KeyboardInterrupt:
        if not sweep_end.interrupted(argv):
            raise
        return NOT_FINISHED
    except EngineError as error:
        return sweep_end.engine_failed(error)
    except RunError as error:
        with sweep_end.abandoning():
            print(f"runner: {error}", file=sys.stderr)
        return NOT_FINISHED
    except Exception as error:  # whatever Hydra raises outside a job is about the configuration
        with sweep_end.abandoning():
            if printing.is_refused(error):
                raise
            refused = error if isinstance(error, ConfigError) else hydra_errors.translate(error, argv, catalog)
            print(f"runner: {refused}", file=sys.stderr)
        return NOT_FINISHED if hydra_errors.is_unwritable(error) else BAD_INPUT
    return sweep_end.exit_code()


if __name__ == "__main__":
    main()
