"""An authority of the site's own, and the certificate that it gave to the site's programs."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Certificates:
    """Files in PEM form."""

    authority: Path
    certificate: Path
    key: Path

    @property
    def options(self) -> tuple[str | Path, ...]:
        """For Dask's own programs."""
        return (
            *("--tls-ca-file", self.authority, "--tls-cert", self.certificate, "--tls-key", self.key),
            *("--protocol", "tls"),
        )


def certificates(folder: Path) -> Certificates:
    """Make an authority and one certificate in an existing folder; valid for a day."""
    if shutil.which("openssl") is None:
        pytest.skip("certificates are made by openssl")
    authority, authority_key = folder / "authority.pem", folder / "authority-key.pem"
    made = Certificates(authority, folder / "certificate.pem", folder / "key.pem")
    request = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1")
    _run(*request, "-subj", "/CN=authority", "-keyout", authority_key, "-out", authority)
    signed_by = ("-CA", authority, "-CAkey", authority_key)
    _run(*request, "-subj", "/CN=rdbench", *signed_by, "-keyout", made.key, "-out", made.certificate)
    return made


def _run(*line: str | Path) -> None:
    subprocess.run(list(map(str, line)), check=True, capture_output=True)
