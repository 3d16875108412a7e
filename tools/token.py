"""Print an access token of the running demo.

`python -m tools.token EMAIL` signs in a user. `--directory` returns the token of the vendor's back end.
"""

import sys
from typing import Annotated

import typer

from tools.api_client import connection_pool
from tools.demo_file import read_demo
from tools.sign_in import DECIDE_SCOPE, DIRECTORY_SCOPE, SignInFailed


def main(
    email: Annotated[str | None, typer.Argument(help="The user to sign in. The demo prints who can.")] = None,
    *,
    directory: Annotated[bool, typer.Option("--directory", help="For /directory/…, as the vendor's back end.")] = False,
    decide: Annotated[bool, typer.Option("--decide", help="For /access/v1/…, as the vendor's product.")] = False,
) -> None:
    """Print an access token, which is valid for 15 minutes, and nothing else."""
    if (email is not None) + directory + decide != 1:
        print("Pass an email address, --directory or --decide.", file=sys.stderr)
        raise typer.Exit(2)
    demo = read_demo()
    pool = connection_pool()
    try:
        if email is None:
            print(demo.sign_in_client.machine_token(pool, DIRECTORY_SCOPE if directory else DECIDE_SCOPE))
        elif email in demo.people:
            print(demo.sign_in_client.user_token(pool, email, demo.people[email]["password"]))
        else:
            print(f"{email} cannot sign in. These users can: {', '.join(sorted(demo.people))}", file=sys.stderr)
            raise typer.Exit(1)
    except SignInFailed as failed:
        print(f"No token: {failed}", file=sys.stderr)
        raise typer.Exit(1) from failed


if __name__ == "__main__":
    typer.run(main)
