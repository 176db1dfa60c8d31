"""The `sterna` command: all commands in one tree, and one place that turns errors into exit codes.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused (nothing was changed; the remedy is printed).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import typer
from typer.exceptions import TyperException

from sterna.cli import (
    account,
    audit,
    cluster,
    endpoint,
    engine,
    evaluation,
    hook,
    host,
    instance,
    migration,
    node,
    outline,
    positions,
    reader,
    resolve,
    schedule,
    serverless,
    switch,
    task,
    token,
    upgrade,
    usage,
    user,
    verify,
)
from sterna.cli.output import print_error
from sterna.errors import Refused, SternaError
from sterna.settings import WrongSettingError

assert node  # it enters its commands among those of `sterna cluster`
assert serverless  # the same
assert resolve  # it enters its command among those of `sterna migration`

DONE, FAILED, USAGE, REFUSED, INTERRUPTED = 0, 1, 2, 3, 130

_NOUNS = {
    "instance": instance.app,
    "engine": engine.app,
    "account": account.app,
    "evaluation": evaluation.app,
    "migration": migration.app,
    "cluster": cluster.app,
    "endpoint": endpoint.app,
    "task": task.app,
    "reader": reader.app,
    "schedule": schedule.app,
    "hook": hook.app,
    "host": host.app,
    "user": user.app,
    "token": token.app,
}

_VERBS: dict[str, Callable[..., None]] = {
    "evaluate": evaluation.evaluate,
    "upgrade": upgrade.upgrade,
    "continue": upgrade.continue_migrating,
    "give-up": upgrade.give_up,
    "verify": verify.verify,
    "switch-over": switch.switch_over,
    "roll-back": switch.roll_back,
    "complete": switch.complete,
    "cancel": switch.cancel,
    "explain": outline.explain,
    "positions": positions.positions,
    "usage": usage.usage,
    "audit": audit.audit,
}


def make_cli(run_server: Callable[[], None]) -> typer.Typer:
    """The command tree. `sterna server` calls `run_server`: the CLI may not import the server."""
    cli = typer.Typer(
        name="sterna",
        help="One-click MySQL upgrade, with a way back.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )

    @cli.command()
    def server() -> None:
        """Run the server: the HTTP API, the operations and their sync tasks, in one process."""
        run_server()

    for name, verb in _VERBS.items():
        cli.command(name)(verb)
    for name, noun in _NOUNS.items():
        cli.add_typer(noun, name=name)
    return cli


def main(run_server: Callable[[], None], arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Prints errors on standard error, JSON on --json."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = make_cli(run_server)(given, prog_name="sterna", standalone_mode=False)
    except (SternaError, TyperException, WrongSettingError) as error:
        known = _known(error)
        print_error(known, as_json="--json" in given)
        return _exit_code(known)
    except typer.Abort:
        return INTERRUPTED
    return code if isinstance(code, int) else DONE


def _known(error: SternaError | TyperException | WrongSettingError) -> SternaError:
    if isinstance(error, WrongSettingError):
        remedy = "Set it to a number from 1 to 65535, or unset it."
        return SternaError(f"{error} Nothing was done.", code="BadSetting", remedy=remedy)
    return error if isinstance(error, SternaError) else _usage_error(error)


def _usage_error(error: TyperException) -> SternaError:
    told = error.format_message()
    message = f"{told}{'' if told.endswith(('.', '?', '!')) else '.'} Nothing was done."
    return SternaError(message, code="Usage", remedy="See: sterna --help")


def _exit_code(error: SternaError) -> int:
    if error.code in ("Usage", "InvalidRequest"):
        return USAGE
    return REFUSED if isinstance(error, Refused) else FAILED
