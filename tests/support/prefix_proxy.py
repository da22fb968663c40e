"""A reverse proxy that serves a sidecar below a path, as nginx does with `location /tools/dedup/`."""

import http.client
import http.server
import threading

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding"}


class PrefixProxy:
    """`with PrefixProxy(port, "/tools/dedup/") as proxy`: what is asked for below proxy.url is asked of that port."""

    def __init__(self, target_port, prefix):
        class Handler(http.server.BaseHTTPRequestHandler):
            def forward(self):
                if not self.path.startswith(prefix):
                    self.send_error(404)
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
                target = http.client.HTTPConnection("127.0.0.1", target_port, timeout=60)
                target.request(self.command, "/" + self.path.removeprefix(prefix), body, headers)
                answer = target.getresponse()
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in HOP_BY_HOP:
                        self.send_header(name, value)
                self.end_headers()
                try:
                    while piece := answer.read1():
                        self.wfile.write(piece)
                except OSError:
                    pass  # a stream ends when one of its ends goes
                finally:
                    target.close()

            do_GET = do_POST = forward

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}{prefix}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
