"""How commands are listed."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


class Commands(TyperGroup):
    """Lists its commands with all that they say of themselves, on several lines where it takes them."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            command.short_help = command.short_help or command.help
        return command
