"""The command ``serve``, whose flags are the fields of the service's settings."""

from __future__ import annotations

from typing import Any

from ocrloom.errors import OcrOptionError

__all__ = ["serve"]


def serve(given: dict[str, Any]) -> None:
    """Serves until the process is asked to end.

    Args:
        given: Settings that the command line has; the others come from the environment, or are
            what is usual.

    Raises:
        OcrOptionError: A setting has a value that it cannot have, or the extra is not installed.
        OcrException: A setting names what cannot be used.
    """
    try:
        from pydantic import ValidationError

        from ocrloom.service.server import serve as run
        from ocrloom.service.settings import Settings
    except ModuleNotFoundError as error:
        raise OcrOptionError(
            f'the service needs the package {error.name}; pip install "ocrloom[server]" adds it'
        ) from error
    try:
        settings = Settings(**given)
    except ValidationError as error:
        told = "; ".join(
            f"--{'.'.join(map(str, each['loc'])).replace('_', '-')}: {each['msg']}"
            for each in error.errors(include_url=False, include_input=False)
        )
        raise OcrOptionError(f"{told}; ocrloom serve --help says what there is") from error
    run(settings)
