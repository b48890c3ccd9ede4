"""The one home of boto3, and of botocore, of which its client is made: one client for all threads,
made when the first request is.

Its retries are off (`Retrying` makes them), bodies get no second checksum (we have hashes of our
own, and what is sent is signed), and what a server answers is read up to a limit. Nothing comes out
of here but answers, our own errors, and `Refused`.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from threading import Lock
from typing import Any, NamedTuple

from ..errors import SAFE, DataError, Denied, StoreError, Unreachable
from .access import HOW_TO_TRUST, Access
from .body import read_body
from .s3address import S3Address, is_aws
from .s3body import Body
from .s3errors import Refused

CONNECT_SECONDS = 10
STALL_SECONDS = 60  # without a byte: a write is answered only when all of it is stored
CONNECTIONS = 32
ANSWER_BYTES = 8 << 20  # of lists and error messages
_PIECE_BYTES = 64 << 10
_REDIRECTS, _REGION = (301, 302, 303, 307, 308), "x-amz-bucket-region"
_NO_CREDENTIALS = "no AWS credentials were found; set some up: aws configure"

Answer = dict[str, Any]


class _Made(NamedTuple):
    client: Any
    anonymous: str  # why no credentials are sent, as a hint; empty: they are


class S3Client:
    def __init__(self, address: S3Address, access: Access) -> None:
        self._address = address
        self._access = access
        self._lock = Lock()
        self._made: _Made | None = None

    def ask(self, operation: str, **parameters: Any) -> Answer:
        """One request. Raises Refused when the server refuses it; Unreachable, Denied, StoreError
        when it is not even asked, or gives no answer."""
        send = getattr(self._ready().client, operation)
        with _translating(self._where):
            answer: Answer = send(Bucket=self._address.bucket, **parameters)
        return answer

    @property
    def address(self) -> str:
        """The server's address, out of the user's AWS set-up if need be. Asks nothing of it."""
        found: str = self._ready().client.meta.endpoint_url
        return found

    @property
    def name(self) -> str:
        """The server, for messages."""
        if self._address.endpoint:
            return "its server"  # which the address in front of it names
        found = self._made.client.meta.endpoint_url if self._made else None
        return "AWS" if found is None or is_aws(found) else str(found)

    @property
    def _where(self) -> str:
        return self._address.endpoint or self.name

    @property
    def anonymous(self) -> str:
        """Why no credentials were sent, as a hint; empty: they were."""
        return self._made.anonymous if self._made else ""

    def _ready(self) -> _Made:
        with self._lock:
            if self._made is None:
                with _translating(self._where):
                    self._made = _make(self._address, self._access)
            return self._made


def body_of(answer: Answer, length: int, what: str, version: str | None) -> bytes:
    """Exactly so many bytes of an answer's body; Interrupted with what came when it breaks off."""
    from botocore.exceptions import BotoCoreError
    from urllib3.exceptions import HTTPError

    broken = (BotoCoreError, HTTPError, OSError)
    with closing(answer["Body"]) as body:
        return read_body(body.read, length, what, version, broken)


# Making the client


def _make(address: S3Address, access: Access) -> _Made:
    import boto3
    import botocore.session

    hint = _refusal_to_sign(address, access)
    session = botocore.session.Session(profile=None if hint else access.profile)
    session.register_component("data_loader", _loader())
    if not hint and session.get_credentials() is None:
        hint = _NO_CREDENTIALS
    client = boto3.Session(botocore_session=session).client(
        "s3",
        region_name=address.region,
        endpoint_url=address.endpoint,
        config=_config(address, anonymous=bool(hint)),
    )
    line = _Line(session, client.meta.endpoint_url, access)
    client.meta.events.register("before-send.s3", line.send)
    return _Made(client, hint)


@cache
def _loader() -> Any:
    """What S3 is, as botocore has it in large files: read once, however many stores there are."""
    from botocore.loaders import Loader

    class OfNamed(Loader):  # type: ignore[misc]  # botocore has no types
        """Does not look through the folders of some 400 services to see whether one is there."""

        def list_available_services(self, type_name: str) -> _Any:
            return _Any()

    return OfNamed()


class _Any:
    def __contains__(self, name: object) -> bool:
        return True


def _refusal_to_sign(address: S3Address, access: Access) -> str:
    """Why the user's credentials must not go to this address; empty: they may."""
    if address.endpoint is None or is_aws(address.endpoint) or access.trusted:
        return ""
    return HOW_TO_TRUST.format(address.endpoint)


def _config(address: S3Address, anonymous: bool) -> Any:
    import botocore
    from botocore.config import Config

    # A host name for each bucket only at AWS, as botocore has it, unless somebody says otherwise.
    style = {"addressing_style": address.addressing} if address.addressing else None
    return Config(
        signature_version=botocore.UNSIGNED if anonymous else None,
        retries={"total_max_attempts": 1},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3=style,
        user_agent_extra="git-data",
    )


class _Line:
    """The connections to one server. In the place of botocore's own ones: those read an answer
    whole, however long it is."""

    def __init__(self, session: Any, url: str, access: Access) -> None:
        from botocore.awsrequest import AWSResponse
        from botocore.httpsession import URLLib3Session

        self._wrap = AWSResponse
        self._http = URLLib3Session(
            verify=_verify(session, access),
            proxies=_proxies(url, access),
            timeout=(CONNECT_SECONDS, access.stall(STALL_SECONDS)),
            max_pool_connections=CONNECTIONS,
            client_cert=_client_certificate(access),
        )

    def send(self, request: Any, **_: Any) -> Any:
        request.stream_output = True  # it comes when it is asked for
        body = request.body
        if isinstance(body, Body):  # urllib3 would read it in pieces of 16 KiB, copied
            request.body = body.pieces()
        try:
            found = self._http.send(request)
        finally:
            request.body = body  # botocore goes back to its start for another region
        if found.status_code in _REDIRECTS and _REGION not in found.headers:
            # Nothing is followed but to another region. botocore would ask the bucket for its own,
            # and do the same with that answer, without end.
            raise Refused(found.status_code, "PermanentRedirect")
        return self._wrap(found.url, found.status_code, found.headers, _Bounded(found.raw))


def _client_certificate(access: Access) -> str | tuple[str, str] | None:
    if not access.certificate:
        return None
    certificate = os.path.expanduser(access.certificate)
    return (certificate, os.path.expanduser(access.key)) if access.key else certificate


def _proxies(url: str, access: Access) -> dict[str, str]:
    """Those of Git's own settings, else of the environment, whose no_proxy counts for both."""
    from botocore.utils import get_environ_proxies, should_bypass_proxies

    if access.proxy is None:
        found: dict[str, str] = get_environ_proxies(url)
        return found
    if not access.proxy or should_bypass_proxies(url):
        return {}
    return {"http": access.proxy, "https": access.proxy}


def _verify(session: Any, access: Access) -> bool | str:
    if not access.verify:
        # urllib3 would say so on the terminal, in the middle of Git's output, each time.
        warnings.filterwarnings("ignore", message="Unverified HTTPS request")
        return False
    found: str = access.ca_file or session.get_config_variable("ca_bundle") or ""
    found = os.path.expanduser(found)
    if found and not os.path.exists(found):
        what = f"the certificates of {found} are not there"
        raise StoreError(what, "see: git config http.sslCAInfo")
    return found or True


class _Bounded:
    """An answer that is read whole only if it is short. A body is read by pieces, with `read`."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def stream(self) -> Iterator[bytes]:
        left = ANSWER_BYTES
        for piece in self._raw.stream(_PIECE_BYTES):
            left -= len(piece)
            if left < 0:
                self._raw.close()
                raise StoreError(f"an answer of the store has more than {ANSWER_BYTES} bytes")
            yield piece

    def read(self, size: int) -> bytes:
        """What is there, at most so many bytes. (Not every urllib3 can say what is there.)"""
        read = getattr(self._raw, "read1", None) or self._raw.read
        found: bytes = read(size)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)


# What went wrong


@contextmanager
def _translating(server: str) -> Iterator[None]:
    from botocore import exceptions as boto
    from botocore.parsers import ResponseParserError
    from urllib3.exceptions import HTTPError

    try:
        yield
    except boto.ClientError as error:
        raise _refused(error) from error
    except (boto.ProfileNotFound, *_login_errors(boto)) as error:
        raise _no_login(error) from error
    except (boto.ConnectionError, boto.HTTPClientError, HTTPError, OSError) as error:
        raise _away(server, error) from error
    except ResponseParserError as error:
        raise Unreachable(f"{server} gave an answer that is none of S3", SAFE) from error
    except (boto.BotoCoreError, ValueError) as error:
        kind = type(error).__name__
        raise StoreError(f"{server} cannot be asked: {kind}", "see: aws configure list") from error


def _refused(error: Any) -> Refused:
    answer = error.response.get("ResponseMetadata", {})
    status = answer.get("HTTPStatusCode", 0)
    after = str(answer.get("HTTPHeaders", {}).get("retry-after", ""))
    seconds = float(after) if after.isascii() and after.isdigit() and len(after) < 6 else None
    return Refused(status, str(error.response.get("Error", {}).get("Code", status)), seconds)


def _login_errors(boto: Any) -> tuple[type[Exception], ...]:
    return (
        *(boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError),
        *(boto.TokenRetrievalError, boto.SSOError, boto.MetadataRetrievalError),
    )


def _no_login(error: Any) -> DataError:
    kind = type(error).__name__
    if kind == "ProfileNotFound":
        what = f"your AWS configuration has no profile {error.kwargs.get('profile')!r}"
        return Denied(what, "see what there is: aws configure list-profiles")
    what = f"your AWS credentials cannot be had ({kind})"
    return Denied(what, "see: aws sts get-caller-identity")


def _away(server: str, error: Exception) -> DataError:
    reason = _reason(error)
    if "certificate" in reason.lower():
        what = f"{server} is not the server it should be, or its certificate is not known: {reason}"
        return StoreError(what, "if it is your own: git config http.sslCAInfo FILE")
    return Unreachable(f"{server} does not answer: {reason}", SAFE)


def _reason(error: BaseException | None) -> str:
    """In the system's words, if it has some."""
    kind = type(error).__name__
    if "Timeout" in kind:
        return "it cannot be reached in time" if "Connect" in kind else "nothing came any more"
    for _ in range(10):
        if isinstance(error, OSError) and error.strerror:
            return error.strerror
        error = error and (error.__cause__ or error.__context__)
    return {"IncompleteReadError": "it broke off", "ConnectionClosedError": "it hung up"}.get(
        kind, kind
    )
