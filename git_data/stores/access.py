"""How a user reaches a store: what his own settings say, and never what a repository says.

An address may come from a committed `.gitdata`, which anybody may have written. So ambient
credentials go to AWS itself and to addresses that the user's own Git config names, to no other.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

HOW_TO_TRUST = (
    "if it is yours, allow your credentials there: git config --global data.{0}.trust true"
)


class Login(NamedTuple):
    """A user name and a password, as `git credential` has them."""

    user: str
    password: str

    def __repr__(self) -> str:
        return "Login(…)"  # no secret in a traceback or a log


class Credentials(Protocol):
    """What `git credential` does, for one address."""

    def fill(self) -> Login | None:
        """Ask the user's helpers, and the user where he may be asked; None: there is no login."""

    def approve(self, login: Login) -> None:
        """It was accepted: the helpers may keep it."""

    def reject(self, login: Login) -> None:
        """It was refused: the helpers shall forget it."""


class NoCredentials:
    """For who has none, and nobody to ask."""

    def fill(self) -> Login | None:
        return None

    def approve(self, login: Login) -> None:
        pass

    def reject(self, login: Login) -> None:
        pass


class Access(NamedTuple):
    """What the user's own settings say of one address."""

    trusted: bool = False  # they name it: ambient credentials may go there
    profile: str | None = None  # data.<url>.profile: of the user's AWS configuration
    single_writer: bool = False  # data.<url>.singleWriter: nobody else writes there
    proxy: str | None = None  # http.proxy; None: the environment's; "": none
    ca_file: str | None = None  # http.sslCAInfo
    ca_path: str | None = None  # http.sslCAPath
    verify: bool = True  # http.sslVerify
    certificate: str | None = None  # http.sslCert
    key: str | None = None  # http.sslKey
    credentials: Credentials = NoCredentials()
    patience: float | None = None  # data.patience: seconds without progress; None: as usual

    def stall(self, most: float) -> float:
        """Seconds without a byte after which one try has failed."""
        return min(most, self.patience) if self.patience else most
