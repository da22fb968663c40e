"""Where it listens: on this machine only, unless tokens are asked for or it is told otherwise."""

import contextlib
import os
import socket
import subprocess

import pytest

from tests.support.sidecar import PROGRAM
from tests.support.tokens import TokenFile


def ipv6_is_here():
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


NEEDS_IPV6 = pytest.mark.skipif(not ipv6_is_here(), reason="no IPv6 here")


def first_lines(host, *arguments, **environment):
    """What it logs until it listens or ends, and its exit code, None where it listens."""
    process = subprocess.Popen([PROGRAM, "--http-host", host, "--http-port", "0", "--mqtt-port", "1", *arguments],
                               stderr=subprocess.PIPE, text=True, env={**os.environ, **environment})
    try:
        lines = ""
        for line in process.stderr:
            lines += line
            if "listening on" in line:
                return lines, None
        return lines, process.wait(20)
    finally:
        process.terminate()
        process.wait(20)
        process.stderr.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", pytest.param("::1", marks=NEEDS_IPV6),
                                  pytest.param("::ffff:127.0.0.1", marks=NEEDS_IPV6)])
def test_loopback_takes_no_tokens(host):
    lines, code = first_lines(host)
    assert code is None, lines


@pytest.mark.parametrize("host", ["0.0.0.0", pytest.param("::", marks=NEEDS_IPV6), "hostname",
                                  pytest.param("::ffff:0.0.0.0", marks=NEEDS_IPV6)])
def test_elsewhere_takes_tokens_or_a_word(host, tmp_path):
    if host == "hostname":
        host = socket.gethostname()
        try:
            address = socket.gethostbyname(host)
        except OSError:
            pytest.skip("this machine's name leads nowhere")
        if address.startswith("127."):
            pytest.skip("this machine's name is loopback")
    lines, code = first_lines(host)
    assert code == 2
    assert f"--http-host {host} lets other machines in" in lines and "--tokens FILE" in lines and "--insecure" in lines
    tokens = TokenFile(tmp_path / "tokens", "me")
    for arguments, environment in [(["--insecure"], {}), ([], {"INSECURE": "true"}), (["--tokens", tokens.path], {})]:
        lines, code = first_lines(host, *arguments, **environment)
        assert code is None, lines
    assert first_lines(host, INSECURE="false")[1] == 2
