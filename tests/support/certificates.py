"""Certificates for tests, made by openssl."""

import ssl
import subprocess


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Authority:
    """A CA in a directory of its own. A certificate NAME lies in NAME.pem, its key in NAME.key."""

    def __init__(self, directory):
        directory.mkdir()
        self._directory = directory
        self.path = directory / "ca.pem"
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                 "/CN=test authority", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                 "-keyout", directory / "ca.key", "-out", self.path)

    def issue(self, name, *, days=2, host="DNS:localhost,IP:127.0.0.1"):
        """(certificate, key); with days=0 it has expired already."""
        certificate, key, request = (self._directory / f"{name}.{end}" for end in ("pem", "key", "csr"))
        extensions = self._directory / f"{name}.extensions"
        extensions.write_text(f"subjectAltName={host}\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout",
                 key, "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self.path, "-CAkey", self._directory / "ca.key", "-CAcreateserial",
                 "-days", days, "-extfile", extensions, "-out", certificate)
        return certificate, key

    def client(self, *, certificate=None):
        """For clients that trust it, with a certificate to show if there is one."""
        context = ssl.create_default_context(cafile=self.path)
        if certificate:
            context.load_cert_chain(*certificate)
        return context
