"""A browser for tests: Debian's Chromium without a screen, by the W3C's WebDriver protocol."""

import base64
import json
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request

ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--disable-dev-shm-usage", "--hide-scrollbars"]
LIMIT = 60  # seconds, for one command


class Browser:
    """One window. Use it in a with statement."""

    def __init__(self, width=1100, height=900):
        self._folder = tempfile.mkdtemp(prefix="vole-browser-")
        self._driver = subprocess.Popen(["chromedriver", "--port=0"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True)
        self._session = None
        try:
            self._base = f"http://127.0.0.1:{self._port()}/session"
            options = {"args": [*ARGUMENTS, f"--user-data-dir={self._folder}",
                                f"--window-size={width},{height}"]}
            wanted = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}
            answer = self._ask("POST", "", {"capabilities": wanted})
            self._session = answer["sessionId"]
        except BaseException:
            self.close()
            raise

    def _port(self):
        for line in self._driver.stdout:
            match = re.search(r"on port (\d+)\.", line)
            if match:
                return match[1]
        raise RuntimeError("chromedriver has not started")

    def _ask(self, method, path, body=None):
        data = json.dumps(body or {}).encode() if method == "POST" else None
        url = self._base + (f"/{self._session}" if self._session else "") + path
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"},
                                         method=method)
        try:
            with urllib.request.urlopen(request, timeout=LIMIT) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.read().decode()[:1000]}") from error

    def open(self, url):
        self._ask("POST", "/url", {"url": url})

    def run(self, script):
        """The value that script returns."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": []})

    def scheme(self, name):
        """light or dark."""
        features = [{"name": "prefers-color-scheme", "value": name}]
        self._ask("POST", "/goog/cdp/execute",
                  {"cmd": "Emulation.setEmulatedMedia", "params": {"features": features}})

    def screenshot(self):
        """What the window shows, as PNG."""
        return base64.b64decode(self._ask("GET", "/screenshot"))

    def log(self):
        """What the page has written to its console: errors, mostly."""
        return [entry["message"] for entry in self._ask("POST", "/se/log", {"type": "browser"})
                if entry["source"] != "rendering"]  # advice on speed, for tests that read pixels

    def close(self):
        try:
            if self._session:
                self._ask("DELETE", "")
        finally:
            self._driver.terminate()
            self._driver.wait()
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()
